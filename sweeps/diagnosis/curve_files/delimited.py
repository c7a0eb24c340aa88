"""Reads CSV and similar files: with commas, semicolons, tabs, bars or spaces between columns, also decimal commas."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.diagnosis.curve_files.table import Commas, Table
from sweeps.diagnosis.curve_files.text_files import read_text
from sweeps.errors import UsageError

SPOKEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?%?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?%?")
_NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.IGNORECASE)
_RULE = re.compile(r":?-{2,}:?")  # below the header of a table in Markdown
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # Excel's first line
_SAMPLE = 200  # rows that tell what a comma means


@dataclass
class _Part:
    """The rows below one header. lines: the line of each row in the file."""

    header: list[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_delimited(path: Path) -> Table:
    """The rows below the header. If another header follows, a new run begins there. Raises UsageError."""
    text = read_text(path)
    if not text.strip():
        raise UsageError(f"{path}: is empty. Its first line names the columns: round, valid_loss, and more.")
    skipped, lines = _without_comments(text.splitlines(keepends=True))
    separator = _separator_of(lines)
    try:
        return _table(path, lines, skipped, separator)
    except csv.Error as error:
        raise UsageError(f"{path}: not a CSV file: {error}.") from None


def _without_comments(lines: list[str]) -> tuple[int, list[str]]:
    """Remove comments (`#`) and Excel's `sep=;` above the header; returns how many lines were removed, and the others.

    If only numbers follow, the last comment is the header, as NumPy's `savetxt` writes it.
    """
    first = 0
    while first < len(lines) - 1:
        line = lines[first].strip()
        if line and not line.startswith("#") and not _SEPARATOR_LINE.fullmatch(line):
            break
        first += 1
    fields = re.split(r"[,;\t| ]+", lines[first].strip())
    if first and lines[first - 1].startswith("#") and all(_NUMBER.fullmatch(each) for each in fields):
        first -= 1
        lines[first] = lines[first].lstrip("# \t")
    return first, lines[first:]


def _separator_of(lines: Sequence[str]) -> str:
    """The separator that occurs most often in the header. If none occurs: spaces if the next line has as many words."""
    header = re.sub(r'"[^"]*"', "", lines[0])
    found = max((each for each in SPOKEN if each != " "), key=header.count)
    if header.count(found) or len(lines) < 2:
        return found
    words = len(header.split())
    return " " if words > 1 and words == len(lines[1].split()) else ","


def _fields(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each line, from 1, and its fields."""
    if separator == " ":
        for place, line in enumerate(lines, start=1):
            yield place, line.split()
        return
    reader = csv.reader(
        io.StringIO("".join(lines), newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    for fields in reader:
        if separator == "|" and len(fields) > 2 and not (fields[0] + fields[-1]).strip():
            fields = fields[1:-1]  # Markdown
        yield reader.line_num, fields


def _table(path: Path, lines: Sequence[str], skipped: int, separator: str) -> Table:
    parts: list[_Part] = []
    notes = []
    is_cut_off = not lines[-1].endswith(("\n", "\r"))
    for place, fields in _fields(lines, separator):
        named = [each.strip() for each in fields]
        if not any(named) or all(_RULE.fullmatch(each) for each in named):
            continue
        if not parts or _is_header(named, parts[-1].header):
            parts.append(_Part(_checked(f"{path}:{place + skipped}", named)))
        elif len(fields) < len(parts[-1].header) and is_cut_off and place == len(lines):
            notes.append(f"Line {place + skipped} is not used, because it is the last one and incomplete.")
        else:
            length = len(parts[-1].header)
            parts[-1].rows.append(_of_length(fields, length, f"{path}:{place + skipped}"))
            parts[-1].lines.append(place + skipped)
    parts = [part for part in parts if part.rows] or parts[:1]
    starts, count = set(), 0
    for part in parts:
        starts.add(count)
        count += len(part.rows)
    numbers = [line for part in parts for line in part.lines]
    return Table(
        path,
        _columns(parts),
        numbers,
        f"a table with {SPOKEN[separator]}",
        frozenset(starts - {0}),
        _commas(parts, separator),
        notes,
    )


def _columns(parts: Sequence[_Part]) -> dict[str, Sequence[str]]:
    """By name, the values of all parts, one after the other; empty text for a part that lacks the column."""
    found: dict[str, list[str]] = {name: [] for part in parts for name in part.header}
    for part in parts:
        columns = dict(zip(part.header, zip(*part.rows, strict=True), strict=True)) if part.rows else {}
        for name, values in found.items():
            values += columns.get(name, [""] * len(part.rows))
    return {name: tuple(values) for name, values in found.items()}


def _commas(parts: Sequence[_Part], separator: str) -> Commas:
    """What a comma within a number means, according to the first rows."""
    rows = [row for part in parts for row in part.rows][:_SAMPLE]
    fields = [each.strip() for row in rows for each in row if "," in each]
    numbers = [each for each in fields if _DECIMAL_COMMA.fullmatch(each) or _THOUSANDS.fullmatch(each)]
    if numbers and separator == "," and all(_THOUSANDS.fullmatch(each) for each in numbers):
        return "thousands"
    return "decimals" if any(_DECIMAL_COMMA.fullmatch(each) for each in numbers) else "none"


def _is_header(named: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a line is a header again, perhaps of other columns: without numbers, and with known names."""
    if named == header:
        return True
    known = sum(name in header for name in named)
    return known > 1 and known > len(named) / 3 and not any(_NUMBER.fullmatch(name) for name in named)


def _checked(place: str, header: list[str]) -> list[str]:
    """The header; an unnamed first column is called `(index)`. Raises UsageError if names are equal or are numbers."""
    if header[0] == "":
        header = ["(index)", *header[1:]]
    if len(header) > 1 and header[-1] == "":
        header = [*header[:-1], "(end)"]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UsageError(f"{place}: column {twice[0]!r} occurs twice.")
    if all(_NUMBER.fullmatch(name) for name in header):
        raise UsageError(
            f"{place}: the first line holds numbers. It must name the columns: round, train_loss, valid_loss …"
        )
    return header


def _of_length(fields: list[str], length: int, place: str) -> list[str]:
    if len(fields) == length + 1 and not fields[-1].strip():
        return fields[:-1]
    if len(fields) != length:
        raise UsageError(
            f"{place}: this line has {len(fields)} fields, but the header has {length} names. If a run was continued "
            "with other columns, insert a line with their names above its first row."
        )
    return fields
