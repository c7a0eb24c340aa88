"""Several training runs, one after the other, presented as one run."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from torch import nn

from objectives.round import Round
from objectives.training.loop import Run


class RepeatedRun:
    """`num` runs of equal length. The numbers of their rounds continue from run to run.

    begin: returns a new run, given its number from 0. keep: whether each run continues with the model and the optimiser
    of the run before, as in code that creates both before its loop over runs. Everything else starts anew.
    """

    def __init__(self, begin: Callable[[int], Run], num: int, *, keep: bool) -> None:
        self._begin = begin
        self._keep = keep
        self._go_on_with(begin(0))
        self.rounds = num * self._run.rounds
        self.rounds_done = 0

    def advance(self) -> Round:
        """Train one round of the current run, or the first of the next, and evaluate."""
        if self._run.rounds_done == self._run.rounds:
            self._go_on_with(self._next())
        latest = self._run.advance()
        self.rounds_done += 1
        return dataclasses.replace(latest, index=self.rounds_done)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next round depends on."""
        return {"rounds_done": self.rounds_done, "run": self._run.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self.rounds_done = state["rounds_done"]
        self._go_on_with(self._begin(max(0, self.rounds_done - 1) // self._run.rounds))
        self._run.load_state_dict(state["run"])

    def close(self) -> None:
        """End what the current run started."""
        self._run.close()

    def _go_on_with(self, run: Run) -> None:
        self._run = run
        self.model: nn.Module = run.model

    def _next(self) -> Run:
        following = self._begin(self.rounds_done // self._run.rounds)
        if self._keep:
            following.model.load_state_dict(self._run.model.state_dict())
            following.optimizer.load_state_dict(copy.deepcopy(self._run.optimizer.state_dict()))
        return following
