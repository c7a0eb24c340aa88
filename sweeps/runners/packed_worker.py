"""Trains several trials in one process. Their steps are started in turns; the GPU computes them at the same time."""

from __future__ import annotations

from dataclasses import replace

from objectives.training.loop import Run
from objectives.training.pack import Pack
from sweeps.runners.memory_room import MemoryRoom
from sweeps.runners.worker import Training, Worker
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Work, WorkPlan

_OWN_LOOP = (
    "the task has a training loop of its own, so the other trials of its process wait while it trains a round"
)


class PackedWorker:
    """Trains each trial as if it were alone; the end or the failure of one does not affect the others.

    breaks_off, can_be_killed: see Worker. Raises ObjectiveError if its code or data differ from the driver's.
    """

    def __init__(
        self, plan: WorkPlan, breaks_off: tuple[type[BaseException], ...] = (), *, can_be_killed: bool = False
    ) -> None:
        self._worker = Worker(plan, breaks_off, can_be_killed=can_be_killed)
        self._worker.hold_rows_on_device()
        self._pack: Pack[int] = Pack(breaks_off)
        self._trials: dict[int, Training] = {}
        self._failed_at_once: list[tuple[int, Failure]] = []
        self.room = MemoryRoom(plan.device)

    def begin(self, work: Work) -> None:
        """Start to train a trial's next round; `next` returns its message."""
        if not self._trials:
            self._worker.release()
        training = self._worker.begin(work)
        if isinstance(training, Failure):
            self._failed_at_once.append((work.number, training))
            return
        self._trials[work.number] = training
        self.go_on(work.number)

    def go_on(self, number: int) -> None:
        """Start the next round of a trial whose latest round `next` has returned."""
        self._pack.begin(number, self._trials[number].run.inner)

    def next(self, seconds: float) -> tuple[int, Progress | Failure] | None:
        """The number of a trial and its latest round, or its failure; None if none comes within this time."""
        if self._failed_at_once:
            return self._failed_at_once.pop(0)
        if not len(self._pack):
            return None
        told = self._pack.next_within(seconds)
        if told is None:
            return None
        training = self._trials[told.key]
        taken = self._worker.took(training, told.outcome)
        if isinstance(taken, Progress) and not isinstance(training.run.inner, Run):
            taken = replace(taken, unrecorded=_OWN_LOOP)
        return told.key, taken

    @property
    def is_busy(self) -> bool:
        """Whether `next` may return a message: a trial trains, or has failed at its start."""
        return bool(self._failed_at_once) or len(self._pack) > 0

    def end(self, number: int) -> None:
        """End a trial and free the memory that it held."""
        self._pack.drop(number)
        training = self._trials.pop(number, None)
        if training is not None:
            self._worker.close(training)
            del training
            self._worker.give_memory_back()

    def close(self) -> None:
        """End all trials."""
        for number in list(self._trials):
            self.end(number)
