"""Runs trials in this process, one after the other: for debugging, tests and machines without Ray.

It cannot kill a trial that hangs, and a trial that uses up the memory ends the whole process.
"""

from __future__ import annotations

import contextlib

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
            self._run(driver, make_worker(plan, breaks_off=(Interruption,)), termination, ear)

    def _run(self, driver: StudyDriver, worker: AnyWorker, termination: Termination, ear: Ear) -> None:
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                assignment = driver.ask()
                if assignment is not None:
                    self._run_trial(assignment, driver, worker, termination, ear)
                termination.check(driver)
        finally:
            driver.pause_all()

    def _run_trial(
        self,
        assignment: Assignment,
        driver: StudyDriver,
        worker: AnyWorker,
        termination: Termination,
        ear: Ear,
    ) -> None:
        try:
            self._train(assignment, driver, worker, termination, ear)
        finally:
            driver.logs.add(assignment.number, ear.take(is_last=True))
            if worker.failed_afterwards is not None:
                driver.note_failed_afterwards(assignment.number, worker.failed_afterwards)
        if assignment.number in driver.running and (latest := worker.latest_state()) is not None:
            keep_latest(driver, *latest)

    def _train(
        self,
        assignment: Assignment,
        driver: StudyDriver,
        worker: AnyWorker,
        termination: Termination,
        ear: Ear,
    ) -> None:
        with contextlib.closing(ear.listening_to(worker.train(assignment))) as training:
            answered = None
            while True:
                try:
                    with termination.interruptible():
                        told = training.send(answered)
                except Interruption:
                    return
                if termination.signal_number and isinstance(told, Failure):
                    return  # the task caught the interruption and raised an error of its own
                driver.logs.add(assignment.number, ear.take())
                answered = answer(driver, assignment.number, told)
                termination.check(driver)
                if assignment.number not in driver.running or termination.pauses:
                    return
