"""Who trains: this very process (`inline`), or Ray Tune's workers (`ray`). Both serve one StudyBook."""

from __future__ import annotations

from typing import Protocol

from sweeps.driver.study_driver import StudyBook
from sweeps.driver.termination import Control
from sweeps.trial.work import WorkPlan

NAMES = ("ray", "inline")


class Runner(Protocol):
    """Runs trials until the book is over or the control says to end."""

    def run(self, book: StudyBook, plan: WorkPlan, control: Control) -> None:
        """Serve the book; on return no worker of it is alive and no trial is RUNNING."""
