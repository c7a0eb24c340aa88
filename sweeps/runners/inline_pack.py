"""Runs several trials at once in this process; they train in turns. It serves `--trials-per-gpu` without Ray."""

from __future__ import annotations

import sys

from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Interruption, Termination
from sweeps.runners.answering import answer
from sweeps.runners.handout import Handout
from sweeps.runners.overheard import Ear, overhearing
from sweeps.runners.packed_worker import PackedWorker
from sweeps.trial.packing import Packing
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, WorkPlan

POLL_SECONDS = 0.05


class InlinePackRunner:
    """The runner for several trials at once that needs no Ray. packing: how many trials are trained at once."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials."""
        with overhearing() as ear:
            _Run(driver, plan, termination, self._packing, ear).run()


class _Run:
    """One run of a driver's trials."""

    def __init__(
        self, driver: StudyDriver, plan: WorkPlan, termination: Termination, packing: Packing, ear: Ear
    ) -> None:
        self._driver, self._termination = driver, termination
        self._worker = PackedWorker(plan, breaks_off=(Interruption,))
        self._handout = Handout(driver)
        self._here: set[int] = set()
        self._packing = packing
        self._most = packing.at_first
        self._ear = ear

    def run(self) -> None:
        """Run the driver's trials."""
        driver, termination = self._driver, self._termination
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                self._fill()
                with termination.interruptible(), self._ear.listening():
                    told = self._worker.next(POLL_SECONDS)
                self._note_printed()
                if told is not None:
                    self._answer(*told)
                termination.check(driver)
        except Interruption:
            termination.check(driver)
        finally:
            try:
                self._worker.close()
            finally:
                driver.pause_all()

    def _fill(self) -> None:
        while len(self._here) < self._most:
            assignment = self._handout.next(self._here)
            if assignment is None:
                return
            self._here.add(assignment.number)
            with self._termination.interruptible(), self._ear.listening():
                self._worker.begin(assignment)

    def _note_printed(self, *, is_last: bool = False) -> None:
        """All trials share the process, so what is printed belongs to each of them."""
        printed = self._ear.take(is_last=is_last)
        for number in self._here:
            self._driver.logs.add(number, printed)

    def _answer(self, number: int, told: Progress | Failure) -> None:
        driver = self._driver
        if self._termination.signal_number and isinstance(told, Failure):
            return  # the task caught the interruption and raised an error of its own
        num_here = len(self._here)
        answer(driver, number, told, with_others=num_here > 1)
        if isinstance(told, Progress) and self._packing.is_measured:
            self._most, why = self._worker.room.fitting(self._packing.most)
            print(f"sweep: {why}", file=sys.stderr)
            self._packing = self._packing.measured(self._most)
        if number in driver.running:
            self._worker.go_on(number)
            return
        with self._ear.listening():
            self._worker.end(number)
        self._note_printed(is_last=True)
        self._here.discard(number)
        if isinstance(told, Failure) and told.kind == "out_of_memory":
            self._most = max(1, num_here - 1)
