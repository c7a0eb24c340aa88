"""Who is told what happens in a study, as it happens."""

from __future__ import annotations

from typing import Protocol

from objectives import Round
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment


class Observer(Protocol):
    """Who is told what happens, as it happens: the terminal, or nobody."""

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """A trial begins, or begins again."""

    def recorded(self, number: int, latest: Round) -> None:
        """A round was stored."""

    def ended(self, number: int, end: End, num_rounds: int) -> None:
        """A trial has ended."""

    def paused(self, number: int) -> None:
        """A trial waits to be taken up again."""
