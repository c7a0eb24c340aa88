"""A trained model together with the preparation of its inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from objectives.errors import DataError
from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.training.evaluation import Evaluation, evaluate


class LoadedModel(nn.Module):
    """Takes rows as the data set holds them, and gives the outputs of the task's model.

    task, parameters: those of the trial. model: the bare module, which takes rows that the task has prepared. shape,
    dtype: those of a raw row, such as (784,) and torch.uint8 for digits.
    """

    def __init__(
        self, task: Task, parameters: Any, model: nn.Module, *, shape: tuple[int, ...], dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.task = task
        self.parameters_of_trial = parameters
        self.model = model
        self.shape = shape
        self.dtype = dtype

    def forward(self, rows: Tensor | Rows) -> Tensor:
        """The outputs for raw rows, one for each: logits of shape (rows, classes) for a classifier.

        rows: the raw inputs, shape (rows, *shape); or Rows, which a task on a graph or on words needs. Raises DataError
        for inputs of another shape or type than those of the data set.
        """
        outputs: Tensor = self.task.forward(self.model, self.prepared(rows))
        return outputs

    def evaluate(self, rows: Rows) -> Evaluation:
        """Mean loss and score over raw rows, computed exactly as in a study and in its confirmation."""
        return evaluate(self.task, self.model, self.prepared(rows), self.parameters_of_trial)

    def prepared(self, rows: Tensor | Rows) -> Rows:
        """Raw rows, prepared for evaluation by the bare model. Raises DataError as `forward` does."""
        given = rows if isinstance(rows, Rows) else self._without_targets(rows)
        self._check(given.inputs)
        parameters = self.parameters_of_trial
        return self.task.prepare_evaluation(self.task.prepare(given, parameters), parameters)

    def _without_targets(self, inputs: Tensor) -> Rows:
        if self.task.needs_rows:
            raise DataError(
                f"The model of {self.task.name} needs whole rows, not the inputs alone: give it Rows, as the task's "
                "load and load_test return them."
            )
        return Rows(inputs, torch.zeros(len(inputs), dtype=torch.long, device=inputs.device))

    def _check(self, inputs: Tensor) -> None:
        if (inputs.ndim - 1, inputs.dtype) != (len(self.shape), self.dtype):
            raise DataError(
                f"The model of {self.task.name} takes inputs as its data set holds them, "
                f"{_said(self.shape, self.dtype)}; these are {_said(tuple(inputs.shape[1:]), inputs.dtype)}. It scales "
                "them itself. To give it inputs that are already scaled, call its `model`."
            )


def _said(shape: tuple[int, ...], dtype: torch.dtype) -> str:
    return f"{str(dtype).removeprefix('torch.')} of shape (rows{''.join(f', {size}' for size in shape)})"
