"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

Replace = Callable[[Path, Path], object]


def write_whole(path: Path, content: bytes | memoryview, replace: Replace = Path.replace) -> None:
    """Write `content` to `path`, and create its folder. A reader sees either the old or the new content.

    See `written_whole`.
    """
    with written_whole(path, replace) as file:
        file.write(content)


@contextlib.contextmanager
def written_whole(path: Path, replace: Replace = Path.replace) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end; its folder is made.

    replace: puts the written file in its place. Of a symbolic link, the file that it points to is replaced. What is no
    file (a device, a pipe) stays what it is and is written to. Raises OSError.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:  # raises IsADirectoryError for a folder
            yield file
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)  # of an earlier process with this number, or planted: it is not followed
    try:
        with partial.open("xb") as file:
            yield file
        replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
