"""The problems that every system searches: a task, its rows, its space, and how much may be trained."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from objectives.registry import get_task
from objectives.rows.rows import Splits
from objectives.task import Task
from search_spaces import Space
from sweeps import paths
from sweeps.study.space_fit import resolve_space
from sweeps.trial.data_plan import DataPlan

# Nobody knows the rate of a new model, so the space is wide in it.
OVERRIDES = ("learning_rate=1e-05..1",)
WORKERS = 2  # one a core


@dataclass(frozen=True)
class Problem:
    """name: of the task, whose own space is searched, with other rates. train_rows, valid_rows: at most; None for all.

    targets: validation scores. limit_seconds: within which a system must end.
    """

    name: str
    data: str
    rounds: int
    targets: tuple[float, float]
    trials: int = 20
    train_rows: int | None = None
    valid_rows: int | None = None
    limit_seconds: float = 600.0

    @property
    def task(self) -> Task:
        """The task: the model, and how a loss and a score are computed."""
        return get_task(self.name)

    @property
    def space(self) -> Space:
        """The space that every system searches."""
        return resolve_space(self.task, None, OVERRIDES)

    def splits(self) -> Splits:
        """The training and validation rows, as tensors."""
        plan = DataPlan(self.data, most_train_rows=self.train_rows, most_valid_rows=self.valid_rows)
        return plan.load(self.task, paths.data_root(None))

    def parameters(self, chosen: dict[str, Any]) -> Any:
        """The task's parameters where the space has chosen some. Whether batch norm is on is always chosen."""
        return self.task.parameters_from(chosen)


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("mnist_mlp", "mnist", rounds=8, targets=(0.975, 0.98)),
        Problem("cora_gcn", "cora", rounds=100, targets=(0.80, 0.815), limit_seconds=300),
        Problem("sequence_convnet", "mnist1d", rounds=30, targets=(0.92, 0.94), limit_seconds=300),
        Problem("mnist_convnet", "mnist", rounds=8, targets=(0.97, 0.98), train_rows=6000, valid_rows=2000),
    )
}


@functools.cache
def loaded(name: str) -> tuple[Problem, Splits]:
    """A problem with its rows, read once a process."""
    return PROBLEMS[name], PROBLEMS[name].splits()
