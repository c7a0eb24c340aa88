"""Who is told what happens in a study, as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from objectives import Round
from storage.outcomes import Outcome
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment


@dataclass(frozen=True)
class Standing:
    """A study as it stands: trials that have ended, of how many, and the best of its table, if there is one."""

    ended: int
    num_trials: int
    best: Outcome | None


class Observer(Protocol):
    """Who is told what happens, as it happens: the keeper of files, the terminal, or nobody."""

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """A trial begins, or begins again."""

    def recorded(self, number: int, latest: Round) -> None:
        """A round was stored."""

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """A trial has ended, after so many rounds."""

    def paused(self, number: int) -> None:
        """A trial waits to be taken up again."""
