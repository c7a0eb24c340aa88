"""Rewrites a part of the terminal in place, without clearing the screen."""

from __future__ import annotations

import contextlib
import io
import math
import shutil
import sys
from collections.abc import Iterator


class _Kept(io.StringIO):
    """Collects what is printed. It claims to be a terminal if the real output is one."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


class Screen:
    """Shows one text after another in the same place. In a pipe, it prints each text that differs from the last one."""

    def __init__(self) -> None:
        self._last = ""

    @contextlib.contextmanager
    def next_picture(self) -> Iterator[None]:
        """Collect what is printed inside the `with` block, and show it as the next text."""
        out = sys.stdout
        kept = _Kept(out.isatty())
        with contextlib.redirect_stdout(kept):
            yield
        text = kept.getvalue()
        if not out.isatty():
            out.write(text if text != self._last else "")
        else:
            width = shutil.get_terminal_size().columns
            up = sum(max(1, math.ceil(len(line) / width)) for line in self._last.splitlines())
            start = f"\x1b[{up}A\r" if up else ""
            out.write(start + text.replace("\n", "\x1b[K\n") + "\x1b[J")
        out.flush()
        self._last = text
