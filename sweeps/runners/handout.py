"""Gives trials to processes that train several at once. A trial that must be alone gets a process for itself."""

from __future__ import annotations

from collections.abc import Collection

from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.running_trial import Place
from sweeps.trial.work import Assignment


class Handout:
    """Asks the driver for trials.

    A trial gets a process for itself after it ran out of memory beside others, or after its process died twice: then
    no other trial can be the reason. While such a trial waits for an empty process, no process gets another trial, so
    that one of them becomes empty.
    """

    def __init__(self, driver: StudyDriver) -> None:
        self._driver = driver
        self._held: Assignment | None = None

    def next(self, here: Collection[int], place: Place | None = None) -> Assignment | None:
        """The next trial for a process that trains the trials `here`; None if the process must not get one now."""
        running = self._driver.running
        if any(running[number].alone for number in here if number in running):
            return None
        if self._held is None:
            self._held = self._driver.ask(place)
        held = self._held
        if held is None or (here and running[held.number].alone):
            return None
        if place is not None:
            running[held.number].places[-1] = place
        self._held = None
        return held
