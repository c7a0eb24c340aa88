"""A task whose rows know their number, so that a test can see which were taken, and in what company."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from objectives.rows.rows import Rows, Splits
from objectives.task import Task
from objectives.training.loop import Run
from tests.objectives_tests.small_data import splits_of


@dataclass(frozen=True)
class Parameters:
    batch_size: int = 8
    learning_rate: float = 0.01
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    schedule: str = "constant"
    gradient_clip: float | None = None


class NumberedRows(Task):
    """Notes each batch: `trained` those of steps, `evaluated` those of evaluations."""

    name = "numbered_rows"
    chance_score = 0.0
    rounds = 1
    data_sets = ("numbers",)
    Parameters = Parameters

    def __init__(self, evaluation_rows: int = 1000) -> None:
        self.evaluation_rows = evaluation_rows
        self.trained: list[list[int]] = []
        self.evaluated: list[list[int]] = []

    def load(self, data: str, data_root: Path) -> Splits:
        raise NotImplementedError

    def load_test(self, data: str, data_root: Path) -> Rows:
        raise NotImplementedError

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        return nn.Linear(1, 1)

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        (self.trained if torch.is_grad_enabled() else self.evaluated).append(targets.tolist())
        return outputs[:, 0].square()

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs[:, 0]

    def run(self, num_train: int, num_valid: int = 4, *, batch_size: int = 8, seed: int = 1) -> Run:
        """A run over rows 0 … num_train - 1."""
        train, valid = (Rows(torch.zeros(num, 1), torch.arange(num)) for num in (num_train, num_valid))
        return Run(self, Parameters(batch_size), splits_of(train, valid), rounds=9, seed=seed)
