"""Reads files of known size. A larger file is refused: it is not the expected one, and may not fit into memory."""

from __future__ import annotations

from io import BufferedIOBase
from pathlib import Path
from typing import IO

from objectives.errors import DataError


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The content of a file. Raises DataError if it is larger than `most_bytes`, OSError if it can't be read."""
    with path.open("rb") as file:
        return read_bounded_from(file, path, most_bytes)


def read_bounded_from(file: IO[bytes] | BufferedIOBase, path: Path, most_bytes: int) -> bytes:
    """The unpacked content of the archive `path`, read from `file`. At most `most_bytes` and one byte are unpacked.

    Raises DataError if the content is larger than `most_bytes`.
    """
    content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise DataError(
            f"{path} holds more than {most_bytes / 1e6:,.0f} MB, so it is not the published file. Remove it and launch "
            "again to download it."
        )
    return content
