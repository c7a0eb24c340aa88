"""Files whose size is known before they are read: what is larger is another file, and may be larger than the memory."""

from __future__ import annotations

from io import BufferedIOBase
from pathlib import Path
from typing import IO

from objectives.errors import DataError


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The content of a file. Raises DataError where it is larger than `most_bytes`, OSError where it can't be read."""
    with path.open("rb") as file:
        return read_bounded_from(file, path, most_bytes)


def read_bounded_from(file: IO[bytes] | BufferedIOBase, path: Path, most_bytes: int) -> bytes:
    """Likewise of what stands in `path` packed, and comes out of `file`; no more than that is unpacked."""
    content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise DataError(
            f"{path} holds more than {most_bytes / 1e6:,.0f} MB, so it is not the published file. Remove it and launch "
            "again to download it."
        )
    return content
