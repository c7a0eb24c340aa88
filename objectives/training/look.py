"""The look at a model after a round: an evaluation on two sets of rows, which also counts dead and saturated units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.training.evaluation import (
    Evaluation,
    UnitActivity,
    evaluation_sums,
    has_batch_norm,
    sums_with_batch_statistics,
)


class Looked(NamedTuple):
    """The figures of a look, under the names that a Round has for them."""

    train: Evaluation
    valid: Evaluation
    valid_score_batch_statistics: float | None
    dead_share: float | None
    saturated_share: float | None


class Look:
    """A program that returns all figures of a look in one tensor, so that they are copied from the device together.

    train, valid: prepared rows on the model's device.
    """

    def __init__(self, task: Task, model: nn.Module, train: Rows, valid: Rows, parameters: Any) -> None:
        self._task, self._model, self._parameters = task, model, parameters
        self._train, self._valid = train, valid
        self._num_dead = 0

    def __call__(self) -> Tensor:
        """The figures, float64, shape (figures,). `told` gives them their names."""
        task, model, parameters = self._task, self._model, self._parameters
        with UnitActivity(model) as activity:
            sums = [evaluation_sums(task, model, self._train, parameters)]
        sums.append(evaluation_sums(task, model, self._valid, parameters))
        if has_batch_norm(model):
            sums.append(sums_with_batch_statistics(task, model, self._valid, parameters))
        dead, saturated = activity.dead_shares(), activity.saturated_shares()
        self._num_dead = len(dead)
        return torch.cat([*sums, *(share.view(1) for share in (*dead, *saturated))])

    def told(self, values: Sequence[float]) -> Looked:
        """The figures of a call, by name."""
        num_evaluations = 3 if has_batch_norm(self._model) else 2
        evaluated, shares = values[: 2 * num_evaluations], values[2 * num_evaluations :]
        dead, saturated = shares[: self._num_dead], shares[self._num_dead :]
        num_valid = len(self._valid)
        return Looked(
            Evaluation.from_sums(evaluated[:2], len(self._train)),
            Evaluation.from_sums(evaluated[2:4], num_valid),
            evaluated[5] / num_valid if num_evaluations == 3 else None,
            max(dead, default=None),
            max(saturated, default=None),
        )
