"""Overhears what trials print that are trained in this process. It reaches the terminal all the same."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Generator, Iterator
from typing import Any, TextIO, TypeVar, cast

from sweeps.trial.log_text import Printed

T = TypeVar("T")


class Ear:
    """Hears what is printed while it listens, by this thread and by threads that are started later.

    Threads that are there before (a progress bar, a lease) are not those of a trial.
    """

    def __init__(self) -> None:
        self._printed, self._lock = Printed(), threading.Lock()
        self._others = {each.ident for each in threading.enumerate()} - {threading.get_ident()}
        self._listens = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Within, what is printed is heard."""
        self._listens = True
        try:
            yield
        finally:
            self._listens = False

    def listening_to(self, training: Generator[T, Any, None]) -> Generator[T, Any, None]:
        """The same generator; what its code prints is heard."""
        answered = None
        try:
            while True:
                with self.listening():
                    told = training.send(answered)
                answered = yield told
        except StopIteration:
            return
        finally:
            with self.listening():
                training.close()

    def hear(self, text: str) -> None:
        """Something is printed."""
        if self._listens and threading.get_ident() not in self._others:
            with self._lock:
                self._printed.add(text)

    def take(self, *, is_last: bool = False) -> str:
        """What was heard since the last call, in whole lines. is_last: with a line that has no end."""
        with self._lock:
            return self._printed.take(is_last=is_last)


class _Overheard:
    """Stands for a stream: whatever is written to it is heard, and goes there."""

    def __init__(self, stream: TextIO, ear: Ear) -> None:
        self._stream, self._ear = stream, ear

    def write(self, text: str) -> int:
        self._ear.hear(text)
        return self._stream.write(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def overhearing() -> Iterator[Ear]:
    """Within, an ear is at stdout and stderr, also for handlers of `logging` that were made before."""
    ear = Ear()
    before = sys.stdout, sys.stderr
    heard = tuple(cast("TextIO", _Overheard(stream, ear)) for stream in before)
    originals = {*before, sys.__stdout__, sys.__stderr__}
    moved = [each for each in _stream_handlers() if each.stream in originals]
    kept = [each.stream for each in moved]
    sys.stdout, sys.stderr = heard
    for handler in moved:
        handler.setStream(heard[handler.stream in (before[1], sys.__stderr__)])
    try:
        yield ear
    finally:
        if (sys.stdout, sys.stderr) == heard:
            sys.stdout, sys.stderr = before
        for handler, stream in zip(moved, kept, strict=True):
            handler.setStream(stream)


def _stream_handlers() -> list[logging.StreamHandler[Any]]:
    """All handlers that write to a stream."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [each for logger in loggers if isinstance(logger, logging.Logger) for each in logger.handlers]
    return [each for each in handlers if isinstance(each, logging.StreamHandler)]
