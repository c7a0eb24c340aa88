"""The interface of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from objectives.round import Round

if TYPE_CHECKING:
    from torch import nn


class TrainingRun(Protocol):
    """One training run: a pure function of task, parameters, data, rounds and seed."""

    model: nn.Module
    rounds: int
    rounds_done: int

    def advance(self) -> Round:
        """Train one round and evaluate."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next round depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""

    def close(self) -> None:
        """End processes and release resources of the run. The code that began the run must call this at the end."""
