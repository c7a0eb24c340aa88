"""Writes files atomically: each is written completely or not at all."""

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
    """Yield a file to write to. At the end of the `with` block, it replaces `path`. The folder is created.

    replace: the function that moves the written file to its place. If `path` is a symbolic link, the file that it
    points to is replaced. If it is a device or a pipe, the content is written to it directly. Raises OSError.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:  # raises IsADirectoryError for a folder
            yield file
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)  # left by an earlier process with this id, or a planted link
    try:
        with partial.open("xb") as file:
            yield file
        replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
