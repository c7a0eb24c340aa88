"""Observers: they receive each event of a running study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from objectives import Round
from storage.outcomes import Outcome
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment


@dataclass(frozen=True)
class Standing:
    """The progress of a study: ended trials, all trials, and the best trial of the table, if there is one."""

    ended: int
    num_trials: int
    best: Outcome | None


class Observer(Protocol):
    """Receives each event; implemented, for example, by the ResultsKeeper and by the terminal's display."""

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """A trial starts, or starts again."""

    def recorded(self, number: int, latest: Round) -> None:
        """A round was stored."""

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """A trial has ended, after `num_rounds` rounds."""

    def paused(self, number: int) -> None:
        """A trial is paused."""
