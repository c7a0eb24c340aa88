"""What a worker's process and its children print: it is read from a file, and posted to the driver."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sweeps.trial.log_text import LONGEST_LINE, Printed

SECONDS_BETWEEN_POSTS = 1.0
MOST_BYTES = 4_000_000  # of the file, and of what is read of it at once
Post = Callable[[Sequence[int], str, int], None]  # the trials, what was printed, up to which byte of the file


def place_of(folder: Path, life: str) -> Path:
    """The file for the process of this life, on the driver's own machine."""
    return folder / f"printed-{life}"


def last_words(path: Path, position: int) -> str:
    """What a process that has died had printed and not posted. The file is removed."""
    try:
        with path.open("rb") as file:
            file.seek(max(position, path.stat().st_size - MOST_BYTES))
            content = file.read()
    except OSError:
        return ""
    with contextlib.suppress(OSError):
        path.unlink()
    printed = Printed()
    printed.add(content.decode("utf-8", "replace"))
    return printed.take(is_last=True)


class ProcessOutput:
    """From here on, this process prints into a file.

    A file, because a pipe that nobody empties would block a process whose only thread prints. The descriptors 1 and 2
    lead to it, so that libraries in C and child processes are heard, too. path: of the file; None for one without name.
    """

    def __init__(self, path: Path | None, post: Post) -> None:
        self._post = post
        self._file = _opened(path)
        for descriptor in (1, 2):
            os.dup2(self._file, descriptor)
        self._position = 0
        self._numbers: tuple[int, ...] = ()
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_posting, daemon=True).start()

    def trains(self, *numbers: int) -> None:
        """From here on, what is printed belongs to these trials. Before the first one, it belongs to that."""
        with self._lock:
            if self._numbers:
                self._tell(is_last=not set(self._numbers) & set(numbers))
            self._numbers = numbers

    def flush(self) -> None:
        """Post all lines that were printed up to now."""
        with self._lock:
            self._tell(is_last=False)

    def _keep_posting(self) -> None:
        waiting = threading.Event()
        with contextlib.suppress(Exception):  # the way to the driver is closed
            while not waiting.wait(SECONDS_BETWEEN_POSTS):
                self.flush()

    def _tell(self, *, is_last: bool) -> None:
        if not self._numbers:
            return
        text = self._read(is_last=is_last)
        if text:
            self._post(self._numbers, text, self._position)

    def _read(self, *, is_last: bool) -> str:
        """The lines that were printed since the last call."""
        printed = Printed()
        while content := os.pread(self._file, MOST_BYTES, self._position):
            end = len(content) if is_last or len(content) == MOST_BYTES else content.rfind(b"\n") + 1
            if not end and len(content) <= LONGEST_LINE:
                break
            end = end or len(content)
            printed.add(content[:end].decode("utf-8", "replace"))
            self._position += end
        if self._position > MOST_BYTES and self._position == os.fstat(self._file).st_size:
            os.ftruncate(self._file, 0)
            self._position = 0
        return printed.take(is_last=True)


def _opened(path: Path | None) -> int:
    """A file to which is only appended, so that it can be emptied meanwhile."""
    if path is not None:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    descriptor, name = tempfile.mkstemp(prefix="sweep-")
    Path(name).unlink()
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    return descriptor
