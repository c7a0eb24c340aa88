"""One trial after the other in this process: for debugging, tests and machines without Ray.

It can neither kill a trial that hangs nor survive one that takes the process's memory.
"""

from __future__ import annotations

from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Interruption, Termination
from sweeps.runners.worker import Worker
from sweeps.trial.work import Assignment, WorkPlan


class InlineRunner:
    """The in-process twin of the Ray runner."""

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Serve the driver, one trial at a time."""
        worker = Worker(plan)
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
        self, assignment: Assignment, driver: StudyDriver, worker: Worker, termination: Termination
    ) -> None:
        training = worker.train(assignment)
        while True:
            try:
                with termination.interruptible():
                    progress = next(training)
            except Interruption:
                return
            except Exception as error:  # noqa: BLE001 - whatever a task raises is data
                driver.fail(assignment.number, worker.failure_from(error))
                return
            end = driver.record(assignment.number, progress)
            termination.check(driver)
            if end is not None or termination.pauses:
                return
