"""A task that does nothing, so that a benchmark measures only the orchestration of trials."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from objectives.round import Cost, Round
from objectives.rows.rows import Rows, Splits
from objectives.task import Task


@dataclass(frozen=True)
class Parameters:
    x: float = 0.5  # the score, apart from noise
    rate: float = 0.01  # these four are searched, but have no effect
    width: int = 64
    kind: Literal["plain", "gated", "mixed"] = "plain"
    gate: float = 0.5


class Nothing(Task):
    """Five rounds of nothing."""

    name = "nothing"
    chance_score = 0.0
    rounds = 5
    data_sets = ("none",)
    Parameters = Parameters

    def load(self, data: str, data_root: Path) -> Splits:
        rows = Rows(torch.zeros(1000, 1), torch.zeros(1000))
        return Splits(data, rows, rows, "0" * 64)

    def load_test(self, data: str, data_root: Path) -> Rows:
        raise NotImplementedError("nothing is tested here")

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        return nn.Linear(1, 1)

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        return outputs[:, 0]

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs[:, 0]

    def start(
        self, parameters: Parameters, splits: Splits, *, rounds: int, seed: int, device: Any
    ) -> NothingRun:
        return NothingRun(parameters, rounds, seed)


class NothingRun:
    def __init__(self, parameters: Parameters, rounds: int, seed: int) -> None:
        self.parameters, self.rounds, self.rounds_done = parameters, rounds, 0
        self.model = nn.Linear(1, 1)
        self._noise = random.Random(seed)

    def advance(self) -> Round:
        self.rounds_done += 1
        score = self.parameters.x + 0.01 * self._noise.random()
        loss = 1.0 / self.rounds_done
        return Round(
            index=self.rounds_done,
            train_loss=loss,
            train_score=score,
            valid_loss=loss,
            valid_score=score,
            running_loss=loss,
            valid_score_batch_statistics=None,
            learning_rate=0.0,
            gradient_norm=0.0,
            first_layer_gradient_norm=None,
            dead_share=None,
            saturated_share=None,
            cost=Cost(0.0, 0.0, 0),
        )

    def state_dict(self) -> dict[str, Any]:
        return {"rounds_done": self.rounds_done, "noise": self._noise.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rounds_done = state["rounds_done"]
        self._noise.setstate(state["noise"])

    def close(self) -> None:
        """Do nothing."""
