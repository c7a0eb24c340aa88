"""Runs trials in this process, one after the other: for debugging, tests and machines without Ray.

With `--trials-per-gpu`, several trials take turns.

It cannot kill a trial that hangs, and a trial that uses up the memory ends the whole process.
"""

from __future__ import annotations

import contextlib
import sys

from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Interruption, Termination
from sweeps.runners.answering import answer
from sweeps.runners.handout import Handout
from sweeps.runners.make_worker import AnyWorker, make_worker
from sweeps.trial.packing import Packing
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Assignment, Progress, WorkPlan

POLL_SECONDS = 0.05


class InlineRunner:
    """The runner that needs no Ray. pack: see Packing; None to train one trial at a time."""

    def __init__(self, pack: Packing | None = None) -> None:
        self._pack = pack

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials."""
        if self._pack is not None:
            _InlinePack(driver, plan, termination, self._pack).run()
            return
        worker = make_worker(plan, breaks_off=(Interruption,))
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                assignment = driver.ask()
                if assignment is not None:
                    self._run_trial(assignment, driver, worker, termination)
                termination.check(driver)
        finally:
            driver.pause_all()

    def _run_trial(
        self, assignment: Assignment, driver: StudyDriver, worker: AnyWorker, termination: Termination
    ) -> None:
        try:
            self._train(assignment, driver, worker, termination)
        finally:
            if worker.failed_afterwards is not None:
                driver.note_failed_afterwards(assignment.number, worker.failed_afterwards)

    def _train(
        self, assignment: Assignment, driver: StudyDriver, worker: AnyWorker, termination: Termination
    ) -> None:
        with contextlib.closing(worker.train(assignment)) as training:
            answered = None
            while True:
                try:
                    with termination.interruptible():
                        told = training.send(answered)
                except Interruption:
                    return
                if termination.signal_number and isinstance(told, Failure):
                    return  # the task made an error of its own out of the interruption
                answered = answer(driver, assignment.number, told)
                termination.check(driver)
                if assignment.number not in driver.running or termination.pauses:
                    return


class _InlinePack:
    """Trains several trials in this process at the same time."""

    def __init__(
        self, driver: StudyDriver, plan: WorkPlan, termination: Termination, packing: Packing
    ) -> None:
        from sweeps.runners.packed_worker import PackedWorker

        self._driver, self._termination = driver, termination
        self._worker = PackedWorker(plan, breaks_off=(Interruption,))
        self._handout = Handout(driver)
        self._here: set[int] = set()
        self._packing = packing
        self._most = packing.at_first

    def run(self) -> None:
        """Run the driver's trials."""
        driver, termination = self._driver, self._termination
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                self._fill()
                with termination.interruptible():
                    told = self._worker.next(POLL_SECONDS)
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
            with self._termination.interruptible():
                self._worker.begin(assignment)

    def _answer(self, number: int, told: Progress | Failure) -> None:
        driver = self._driver
        if self._termination.signal_number and isinstance(told, Failure):
            return  # the task made an error of its own out of the interruption
        num_here = len(self._here)
        answer(driver, number, told, with_others=num_here > 1)
        if isinstance(told, Progress) and self._packing.is_measured:
            self._most, why = self._worker.room.fitting(self._packing.most)
            print(f"sweep: {why}", file=sys.stderr)
            self._packing = self._packing.measured(self._most)
        if number in driver.running:
            self._worker.go_on(number)
            return
        self._worker.end(number)
        self._here.discard(number)
        if isinstance(told, Failure) and told.kind == "out_of_memory":
            self._most = max(1, num_here - 1)
