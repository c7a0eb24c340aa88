"""Runners: train trials in this process (inline) or in Ray Tune workers (ray)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a worker imports this package, and needs neither the driver nor the database
    from sweeps.driver.study_driver import StudyDriver
    from sweeps.driver.termination import Termination
    from sweeps.trial.work import WorkPlan


class Runner(Protocol):
    """Runs trials until the study is finished or `termination.pauses` is set."""

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials. On return, no worker is alive and no trial is RUNNING."""
