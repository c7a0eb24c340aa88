"""Reports a worker whose start takes too long, and the line at which it hangs, such as an import or a network mount."""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

MOST_FRAMES = 3
START_TIMEOUT_SECONDS = 600.0
REMEDY = "Remove what it waits for, or allow more time with --start-timeout SECONDS."


@contextlib.contextmanager
def watched_start(timeout_seconds: float, tell: Callable[[str], None]) -> Iterator[None]:
    """If this context takes longer than the timeout, `tell` is called with a message, in another thread."""
    thread = threading.get_ident()

    def report() -> None:
        tell(
            f"A worker did not load its code and data within {timeout_seconds:g} s: it was still at "
            f"{_place(sys._current_frames().get(thread))}. {REMEDY}"
        )

    timer = threading.Timer(timeout_seconds, report)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _place(frame: FrameType | None) -> str:
    """The innermost lines of the call stack, such as `my_task.py:12 (load)`."""
    frames = [] if frame is None else traceback.extract_stack(frame)[-MOST_FRAMES:]
    told = [f"{each.filename}:{each.lineno} ({each.name})" for each in frames]
    return " -> ".join(told) or "an unknown place"
