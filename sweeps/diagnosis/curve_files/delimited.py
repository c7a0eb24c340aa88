"""Reads CSV and similar files: with commas, semicolons or tabs, decimal commas, any usual encoding, also gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from pathlib import Path

from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError

MOST_BYTES = 512 << 20  # the largest text of a file, after unpacking
SEPARATORS = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?%?")


def read_delimited(path: Path) -> Table:
    """The rows below the header. If the header is repeated, a new run begins there. Raises UsageError."""
    text = read_text(path)
    if not text.strip():
        raise UsageError(f"{path}: is empty. Its first line names the columns: round, valid_loss, and more.")
    separator = _separator_of(text)
    try:
        return _table(path, text, separator)
    except csv.Error as error:
        raise UsageError(f"{path}: not a CSV file: {error}.") from None


def read_text(path: Path) -> str:
    """The text of a file, unpacked if it is gzipped. Raises UsageError if it can't be read or is no text."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_packed else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: can't be read: {error}.") from None
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"{path}: holds more than {MOST_BYTES >> 20} MiB of text. Keep its runs in several files."
        )
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path}: not a CSV file: it holds bytes that are no text.")


def _separator_of(text: str) -> str:
    """The separator that occurs most often in the first line; a comma if none occurs."""
    header = text.lstrip().splitlines()[0]
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=lambda separator: unquoted.count(separator))


def _table(path: Path, text: str, separator: str) -> Table:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    starts: set[int] = set()
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        named = [field.strip() for field in fields]
        if not header:
            header = _checked(path, named)
        elif named == header:
            starts.add(len(rows))
        else:
            fields = _of_length(fields, len(header), f"{path}:{reader.line_num}")
            rows.append(fields)
            lines.append(reader.line_num)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    has_commas = separator != "," and any(
        _DECIMAL_COMMA.fullmatch(field.strip()) for row in rows[:200] for field in row
    )
    spoken = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[separator]
    return Table(path, columns, lines, f"a table with {spoken}", frozenset(starts), has_commas)


def _checked(path: Path, header: list[str]) -> list[str]:
    """The header; an unnamed first column is called `(index)`. Raises UsageError if names are equal or are numbers."""
    if header[0] == "":
        header = ["(index)", *header[1:]]
    if len(header) > 1 and header[-1] == "":
        header = [*header[:-1], "(end)"]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UsageError(f"{path}:1: column {twice[0]!r} occurs twice.")
    if all(re.fullmatch(r"[+-]?[\d.,]+(e[+-]?\d+)?", name, re.IGNORECASE) for name in header):
        raise UsageError(
            f"{path}:1: the first line holds numbers. It must name the columns: round, train_loss, valid_loss …"
        )
    return header


def _of_length(fields: list[str], length: int, place: str) -> list[str]:
    if len(fields) == length + 1 and not fields[-1].strip():
        return fields[:-1]
    if len(fields) != length:
        raise UsageError(
            f"{place}: it has {'more' if len(fields) > length else 'fewer'} fields than the first line has columns."
        )
    return fields
