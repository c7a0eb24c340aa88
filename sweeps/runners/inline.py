"""Runs trials in this process, one after the other: for debugging, tests and machines without Ray.

It cannot kill a trial that hangs, and a trial that uses up the memory ends the whole process.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Interruption, Termination
from sweeps.runners.answering import answer, keep_latest
from sweeps.runners.make_worker import AnyWorker, make_worker
from sweeps.runners.overheard import Ear, overhearing
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Assignment, WorkPlan


class InlineRunner:
    """The runner that needs no Ray."""

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials."""
        with overhearing() as ear:
            _InlineRun(driver, make_worker(plan, breaks_off=(Interruption,)), termination, ear).run()


@dataclass(frozen=True)
class _InlineRun:
    """One run of a study. ear: hears what trials print."""

    driver: StudyDriver
    worker: AnyWorker
    termination: Termination
    ear: Ear

    def run(self) -> None:
        """Run one trial after the other, until the study is finished or must end."""
        try:
            self.termination.check(self.driver)
            while not self.termination.pauses and not self.driver.is_over:
                assignment = self.driver.ask()
                if assignment is not None:
                    self._run_trial(assignment)
                self.termination.check(self.driver)
        finally:
            self.driver.pause_all()

    def _run_trial(self, assignment: Assignment) -> None:
        number = assignment.number
        try:
            self._train(assignment)
        finally:
            self.driver.logs.add(number, self.ear.take(is_last=True))
            if self.worker.failed_afterwards is not None:
                self.driver.note_failed_afterwards(number, self.worker.failed_afterwards)
        if number in self.driver.running and (latest := self.worker.latest_state()) is not None:
            keep_latest(self.driver, *latest)

    def _train(self, assignment: Assignment) -> None:
        with contextlib.closing(self.ear.listening_to(self.worker.train(assignment))) as training:
            answered = None
            while True:
                try:
                    with self.termination.interruptible():
                        told = training.send(answered)
                except Interruption:
                    return
                if self.termination.signal_number and isinstance(told, Failure):
                    return  # the task caught the interruption and raised an error of its own
                self.driver.logs.add(assignment.number, self.ear.take())
                answered = answer(self.driver, assignment.number, told)
                self.termination.check(self.driver)
                if assignment.number not in self.driver.running or self.termination.pauses:
                    return
