"""Reads the text of a file in any usual encoding. Other files are recognised by their first bytes and refused."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from sweeps.errors import UsageError

MOST_BYTES = 512 << 20  # the largest text of a file, after unpacking
EXPORT = "Export it as CSV."
NO_TEXT = {  # by the first bytes of a file: what it is, and what the user can do
    b"PK\x03\x04": ("a zip archive, an Excel workbook or a NumPy archive", EXPORT),
    b"PAR1": ("a Parquet file", "Export it as CSV (pandas: to_csv)."),
    b"\x80": ("a pickled object", "Export what it holds as CSV or JSON."),
    b"\x89PNG": ("a picture", "Use the file from which it was drawn."),
    b"\x89HDF": ("an HDF5 file", EXPORT),
    b"\x93NUMPY": ("a NumPy array", EXPORT),
    b"%PDF": ("a PDF document", "Use the file from which it was made."),
    b"SQLite format 3": (
        "a SQLite database",
        "Optuna's databases are read if the name ends in .db or .sqlite.",
    ),
    b"version https://git-lfs": ("a pointer of Git LFS", "Fetch the file itself: git lfs pull"),
    b"<": ("a web page or XML", "Download the raw file."),
}
MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MANY_ZEROS = 0.3  # of the bytes: every second or more are zero in UTF-16 and UTF-32


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
    start = content[:200].lstrip()
    for mark, (what, remedy) in NO_TEXT.items():
        if start.startswith(mark):
            raise UsageError(f"{path}: this is {what}, not a table of rounds. {remedy}")
    for encoding in _encodings(content):
        try:
            return content.decode(encoding).rstrip("\0")  # a crash of the machine may leave zeros at the end
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path}: not a CSV file: it holds bytes that are no text.")


def _encodings(content: bytes) -> tuple[str, ...]:
    """The encodings to try: according to the byte order mark; without one, to where the zero bytes are."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return (encoding,)
    start = content.rstrip(b"\0")[:2000]
    if start.count(0) > MANY_ZEROS * len(start):
        return ("utf-16-le",) if start[1::2].count(0) > start[::2].count(0) else ("utf-16-be",)
    return ("utf-8-sig", "cp1252")
