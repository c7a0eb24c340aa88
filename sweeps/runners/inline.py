"""One trial after the other in this process: for debugging, tests and machines without Ray.

It can neither kill a trial that hangs nor survive one that takes the process's memory.
"""

from __future__ import annotations

from sweeps.driver.study_driver import StudyBook
from sweeps.driver.termination import Control, Interruption
from sweeps.runners.worker import Worker
from sweeps.trial.work import Assignment, WorkPlan


class InlineRunner:
    """The in-process twin of the Ray runner."""

    def run(self, book: StudyBook, plan: WorkPlan, control: Control) -> None:
        """Serve the book, one trial at a time."""
        worker = Worker(plan)
        try:
            while not control.must_end(book) and not book.is_over:
                assignment = book.ask()
                if assignment is not None:
                    self._run_trial(assignment, book, worker, control)
        finally:
            book.put_all_away()

    def _run_trial(self, assignment: Assignment, book: StudyBook, worker: Worker, control: Control) -> None:
        training = worker.train(assignment)
        while True:
            try:
                with control.interruptible():
                    progress = next(training)
            except Interruption:
                return
            except Exception as error:  # noqa: BLE001 - whatever a task raises is data
                book.fail(assignment.number, worker.failure_from(error))
                return
            end = book.record(assignment.number, progress)
            if end is not None or control.must_end(book):
                return
