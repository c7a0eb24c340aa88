"""Gives trials to processes that train several at once. A trial that must be alone gets a process for itself."""

from __future__ import annotations

from collections.abc import Collection

from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.running_trial import Place
from sweeps.trial.work import Assignment


class Handout:
    """Asks the driver for trials.

    A trial is alone after it found no memory beside others, or died twice with its process: then the others can't be
    the reason. While one waits for an empty process, no process gets another trial, so one becomes empty.
    """

    def __init__(self, driver: StudyDriver) -> None:
        self._driver = driver
        self._held: Assignment | None = None

    def next(self, here: Collection[int], place: Place | None = None) -> Assignment | None:
        """The next trial for a process that trains the trials `here`; None if it must not have another one now."""
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
