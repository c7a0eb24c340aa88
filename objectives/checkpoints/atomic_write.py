"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(
    path: Path, content: bytes | memoryview, replace: Callable[[Path, Path], object] = Path.replace
) -> None:
    """Write `content` to `path`, and create its folder. A reader sees either the old or the new content.

    replace: puts the written file in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
