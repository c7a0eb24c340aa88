"""Evaluation as a pure function of weights and rows: always the same order and batches, without any side effect."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from objectives.rows.rows import Rows
from objectives.task import Task

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
RECTIFIED = (nn.ReLU,)
SATURATING = (nn.Tanh, nn.Sigmoid, nn.ELU)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean loss (nats) and mean score over all rows of a split."""

    loss: float
    score: float

    @classmethod
    def from_sums(cls, sums: Sequence[float], num_rows: int) -> Evaluation:
        """The means from the sums that `evaluation_sums` returns."""
        loss, score = sums
        return cls(loss / num_rows, score / num_rows)


def evaluate(task: Task, model: nn.Module, rows: Rows, parameters: Any) -> Evaluation:
    """Loss and score of `model` over all of `rows`, in evaluation mode. The model is not changed."""
    return Evaluation.from_sums(evaluation_sums(task, model, rows, parameters).tolist(), len(rows))


@torch.no_grad()
def evaluation_sums(task: Task, model: nn.Module, rows: Rows, parameters: Any) -> Tensor:
    """The sums of loss and score over all of `rows`, float64, shape (2,), still on the rows' device.

    They are summed in double precision, over batches of fixed size in the rows' own order. So a repeated evaluation
    gives the same bits. The score of a whole split (`Task.split_score`) is multiplied by the number of rows.
    """
    loss = torch.zeros((), dtype=torch.float64, device=rows.targets.device)
    score = torch.zeros_like(loss)
    is_whole, kept = task.scores_whole_splits(), []
    with evaluation_mode(model):
        for batch in _batches(rows, task.evaluation_rows):
            outputs = task.forward(model, batch)
            loss += task.losses(outputs, batch.targets, parameters).double().sum()
            if is_whole:
                kept.append((outputs, batch.targets))
            else:
                score += task.scores(outputs, batch.targets).double().sum()
    if is_whole:
        of_split = task.split_score(*(torch.cat(each) for each in zip(*kept, strict=True)))
        score += torch.as_tensor(of_split, dtype=torch.float64, device=score.device) * len(rows)
    return torch.stack([loss, score])


def evaluate_with_batch_statistics(task: Task, model: nn.Module, rows: Rows, parameters: Any) -> float | None:
    """The score if batch norm uses the mean and variance of each batch; None for a model without batch norm.

    A large difference to the usual score means that the running statistics lag behind the weights, not that the
    weights are bad.
    """
    if not has_batch_norm(model):
        return None
    sums = sums_with_batch_statistics(task, model, rows, parameters)
    return Evaluation.from_sums(sums.tolist(), len(rows)).score


def sums_with_batch_statistics(task: Task, model: nn.Module, rows: Rows, parameters: Any) -> Tensor:
    """Like `evaluation_sums`, but batch norm uses the mean and variance of each batch."""
    with _batch_statistics(model):
        return evaluation_sums(task, model, rows, parameters)


def has_batch_norm(model: nn.Module) -> bool:
    """Whether any layer normalises over the batch."""
    return any(isinstance(module, BATCH_NORMS) for module in model.modules())


@contextlib.contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Inside the `with` block, all modules are in evaluation mode. Afterwards, each has its earlier mode."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def _batch_statistics(model: nn.Module) -> Iterator[None]:
    """Inside the `with` block, batch norm uses the statistics of each batch, and does not update its running ones."""
    taken: list[tuple[nn.Module, Tensor | None, Tensor | None]] = []
    for module in model.modules():
        if isinstance(module, BATCH_NORMS):
            taken.append((module, module.running_mean, module.running_var))
            module.running_mean = None
            module.running_var = None
    try:
        yield
    finally:
        for module, mean, var in taken:
            module.running_mean = mean  # type: ignore[assignment]
            module.running_var = var  # type: ignore[assignment]


class UnitActivity:
    """Observes a model's activations during an evaluation, to find out which units are dead and which are saturated.

    A unit is a column of a dense layer's output, or a channel of a convolution's.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._alive: dict[str, Tensor] = {}  # of each unit: whether it was ever above zero
        self._flat: dict[str, Tensor] = {}  # of each unit: on how many rows it was in the flat part
        self._seen: dict[str, int] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> UnitActivity:
        for name, module in self._model.named_modules():
            if isinstance(module, RECTIFIED):
                self._handles.append(module.register_forward_hook(self._see_rectified(name)))
            elif isinstance(module, SATURATING):
                self._handles.append(module.register_forward_hook(self._see_saturating(name)))
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()

    def dead_share(self) -> float | None:
        """The fraction of dead units, in the rectified layer where it is largest; None without such a layer."""
        return max((share.item() for share in self.dead_shares()), default=None)

    def dead_shares(self) -> list[Tensor]:
        """The fraction of dead units in each rectified layer, as float64 scalars on the device."""
        return [(~alive).double().mean() for alive in self._alive.values()]

    def saturated_share(self) -> float | None:
        """The fraction of saturated units, in the bounded layer where it is largest; None without such a layer."""
        return max((share.item() for share in self.saturated_shares()), default=None)

    def saturated_shares(self) -> list[Tensor]:
        """The fraction of saturated units in each bounded layer, as float64 scalars on the device."""
        return [(flat >= 0.95 * self._seen[name]).double().mean() for name, flat in self._flat.items()]

    def _see_rectified(self, name: str) -> Any:
        def see(module: nn.Module, inputs: Any, output: Tensor) -> None:
            others = [dim for dim in range(output.ndim) if dim != 1]
            alive = output.amax(dim=others) > 0  # several times as fast as (output > 0).any
            self._alive[name] = self._alive[name] | alive if name in self._alive else alive

        return see

    def _see_saturating(self, name: str) -> Any:
        def see(module: nn.Module, inputs: Any, output: Tensor) -> None:
            flat = _by_unit(_in_flat_part(module, output))
            self._seen[name] = self._seen.get(name, 0) + len(flat)
            self._flat[name] = self._flat.get(name, torch.zeros_like(flat[0], dtype=torch.long)) + flat.sum(0)

        return see


def _in_flat_part(module: nn.Module, output: Tensor) -> Tensor:
    if isinstance(module, nn.Tanh):
        return output.abs() > 0.99
    if isinstance(module, nn.Sigmoid):
        return (output - 0.5).abs() > 0.495
    return output < -0.99  # ELU with alpha 1


def _by_unit(values: Tensor) -> Tensor:
    """The values by unit, shape (rows, units), from values of shape (rows, units) or (rows, channels, …)."""
    return values if values.ndim == 2 else values.transpose(0, 1).flatten(1).transpose(0, 1)


def _batches(rows: Rows, size: int) -> Iterator[Rows]:
    """Batches of nearly equal size, at most `size`, so that no batch has only the few rows of a remainder."""
    num = max(1, -(-len(rows) // size))
    bounds = [len(rows) * k // num for k in range(num + 1)]
    for start, end in itertools.pairwise(bounds):
        yield rows[start:end]
