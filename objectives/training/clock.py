"""When the parts of a round were done, on the processor or on a GPU that works on by itself."""

from __future__ import annotations

import collections
import time
from typing import Protocol

import torch


class Clock(Protocol):
    """Marks moments; `seconds` tells how far apart two of them were."""

    def mark(self) -> None:
        """Mark the moment at which what was started so far is done."""

    def mark_part(self) -> None:
        """Mark the moment at which a part of the work is done."""

    def num_parts_ahead(self) -> int:
        """Parts that were started and are not done."""

    def is_done(self) -> bool:
        """Whether the last mark has been reached."""

    def wait(self) -> None:
        """Wait for the last mark."""

    def seconds(self, first: int, last: int) -> float:
        """From one mark to another, counted from 0; all must have been reached."""


class HostClock:
    """Everything is done when the call that does it returns."""

    def __init__(self) -> None:
        self._marks: list[float] = []

    def mark(self) -> None:
        """Now."""
        self._marks.append(time.perf_counter())

    def mark_part(self) -> None:
        """It is done."""

    def num_parts_ahead(self) -> int:
        """None."""
        return 0

    def is_done(self) -> bool:
        """Always."""
        return True

    def wait(self) -> None:
        """No need."""

    def seconds(self, first: int, last: int) -> float:
        """Of wall clock."""
        return self._marks[last] - self._marks[first]


class CudaClock:
    """Marks are events of the stream that is current when they are made."""

    def __init__(self) -> None:
        self._marks: list[torch.cuda.Event] = []
        self._parts: collections.deque[torch.cuda.Event] = collections.deque()

    def mark(self) -> None:
        """When the stream comes here."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self._marks.append(event)

    def mark_part(self) -> None:
        """When the stream comes here."""
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._parts.append(event)

    def num_parts_ahead(self) -> int:
        """Those that the stream has not come to."""
        while self._parts and self._parts[0].query():  # type: ignore[no-untyped-call]
            self._parts.popleft()
        return len(self._parts)

    def is_done(self) -> bool:
        """Whether the stream has come to the last mark."""
        done: bool = self._marks[-1].query()  # type: ignore[no-untyped-call]
        return done

    def wait(self) -> None:
        """Until it has."""
        self._marks[-1].synchronize()

    def seconds(self, first: int, last: int) -> float:
        """Between the marks on the stream."""
        milliseconds: float = self._marks[first].elapsed_time(self._marks[last])
        return milliseconds / 1000


def clock_of(device: torch.device) -> Clock:
    """A clock for work on `device`."""
    return CudaClock() if device.type == "cuda" else HostClock()
