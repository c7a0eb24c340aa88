"""Serves a worker that trains several trials at once. Each of its lanes asks for a trial and reports its rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sweeps.runners.ray_tune.ray_import import ray
from sweeps.trial.packing import Packing
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Assignment, Event, Progress

if TYPE_CHECKING:  # it imports torch, which the driver's import of this file must not
    from sweeps.runners.packed_worker import PackedWorker
    from sweeps.runners.ray_tune.printed import ProcessOutput

POLL_SECONDS = 0.01  # how often to look for answers while trials train


class DeviceBroken(RuntimeError):
    """CUDA is unusable in this process after an error of one trial, so the process must end."""


def check_device(told: Event | Failure) -> None:
    """Raises DeviceBroken if a trial failed with an error after which CUDA is unusable in this process."""
    if isinstance(told, Failure) and told.error_class == "AcceleratorError":
        raise DeviceBroken(told.in_short)


class Asks(Protocol):
    """Sends messages to the driver."""

    def ask(self, kind: str, number: int | None = None, content: Any = None, lane: int = 0) -> Any:
        """Send a message; returns a reference to the answer."""

    def send(self, kind: str, number: int | None = None, content: Any = None) -> Any:
        """Send a message and wait for the answer."""


class Lanes:
    """Serves the lanes of a worker until the driver has no more trials."""

    def __init__(self, worker: PackedWorker, line: Asks, packing: Packing, output: ProcessOutput) -> None:
        self._worker, self._line, self._packing, self._output = worker, line, packing, output
        self._asked: dict[Any, int] = {}  # the lane of each unanswered message, by the answer's reference
        self._numbers: dict[int, int | None] = {}  # the trial of each lane

    def serve(self) -> None:
        """Train trials until the driver has no more."""
        self._open(self._packing.at_first)
        while self._asked or self._worker.is_busy:
            for answer in self._answers():
                self._take(self._asked.pop(answer), ray.get(answer))
            told = self._worker.next(POLL_SECONDS)
            if told is not None:
                self._tell(*told)

    @property
    def _here(self) -> list[int]:
        """The trials that are trained here."""
        return [number for number in self._numbers.values() if number is not None]

    def _open(self, num_lanes: int) -> None:
        for lane in range(len(self._numbers), num_lanes):
            self._ask(lane)

    def _ask(self, lane: int) -> None:
        self._numbers[lane] = None
        self._asked[self._line.ask("ask", lane=lane)] = lane

    def _answers(self) -> list[Any]:
        if not self._asked:
            return []
        timeout = 0 if self._worker.is_busy else None
        ready, _ = ray.wait(
            list(self._asked), num_returns=len(self._asked) if timeout == 0 else 1, timeout=timeout
        )
        return list(ready)

    def _take(self, lane: int, answer: Any) -> None:
        number = self._numbers[lane]
        if isinstance(answer, Assignment):
            self._numbers[lane] = answer.number
            self._output.trains(*self._here)
            self._worker.begin(answer)
        elif number is not None:
            goes_on, _ = answer
            if goes_on:
                self._worker.go_on(number)
            else:
                self._worker.end(number)
                self._ask(lane)
                self._output.trains(*self._here)

    def _tell(self, number: int, told: Progress | Failure) -> None:
        lane = next(lane for lane, trained in self._numbers.items() if trained == number)
        self._output.flush()
        if len(self._here) > 1:
            check_device(told)  # another trial may be the reason, so the driver must not blame this one
        asked = self._line.ask("told", number, told, lane)
        self._asked[asked] = lane
        if isinstance(told, Failure):
            ray.get(asked)
            check_device(told)
        if isinstance(told, Progress) and self._packing.is_measured:
            most, why = self._worker.room.fitting(self._packing.most)
            self._line.send("fits", content=why)
            self._packing = self._packing.measured(most)
            self._open(most)
