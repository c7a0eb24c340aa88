"""Measures when parts of a round are done, on the CPU, or on a GPU, which works asynchronously."""

from __future__ import annotations

import collections
import time
from typing import Protocol

import torch


class Clock(Protocol):
    """Marks moments. `seconds` gives the time between two marks."""

    def mark(self) -> None:
        """Mark the moment at which all work that was started so far is done."""

    def mark_part(self) -> None:
        """Mark the moment at which a part of the work is done."""

    def num_parts_ahead(self) -> int:
        """The number of parts that were started and are not yet done."""

    def is_done(self) -> bool:
        """Whether the last mark has been reached."""

    def wait(self) -> None:
        """Wait for the last mark."""

    def seconds(self, first: int, last: int) -> float:
        """The seconds from one mark to another. Marks are numbered from 0; both must have been reached."""


class HostClock:
    """The clock of the CPU, where all work is done when its call returns."""

    def __init__(self) -> None:
        self._marks: list[float] = []

    def mark(self) -> None:
        """Mark the present moment."""
        self._marks.append(time.perf_counter())

    def mark_part(self) -> None:
        """Do nothing: the part is already done."""

    def num_parts_ahead(self) -> int:
        """Always 0."""
        return 0

    def is_done(self) -> bool:
        """Always true."""
        return True

    def wait(self) -> None:
        """Do nothing: all work is already done."""

    def seconds(self, first: int, last: int) -> float:
        """The seconds of wall-clock time between two marks."""
        return self._marks[last] - self._marks[first]


class CudaClock:
    """The clock of a GPU. A mark is an event in the stream that is current when it is made."""

    def __init__(self) -> None:
        self._marks: list[torch.cuda.Event] = []
        self._parts: collections.deque[torch.cuda.Event] = collections.deque()

    def mark(self) -> None:
        """Mark the moment at which the stream reaches this event."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self._marks.append(event)

    def mark_part(self) -> None:
        """Mark the moment at which the stream has done the part that was started last."""
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._parts.append(event)

    def num_parts_ahead(self) -> int:
        """The number of parts that the stream has not yet done."""
        while self._parts and self._parts[0].query():  # type: ignore[no-untyped-call]
            self._parts.popleft()
        return len(self._parts)

    def is_done(self) -> bool:
        """Whether the stream has reached the last mark."""
        done: bool = self._marks[-1].query()  # type: ignore[no-untyped-call]
        return done

    def wait(self) -> None:
        """Wait until the stream has reached the last mark."""
        self._marks[-1].synchronize()

    def seconds(self, first: int, last: int) -> float:
        """The seconds between two marks in the stream."""
        milliseconds: float = self._marks[first].elapsed_time(self._marks[last])
        return milliseconds / 1000


def clock_of(device: torch.device) -> Clock:
    """A clock for work on `device`."""
    return CudaClock() if device.type == "cuda" else HostClock()
