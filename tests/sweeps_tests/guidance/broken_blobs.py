"""The same classifier, broken on purpose in one way each."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import splits_of
from tests.sweeps_tests.guidance.blobs import CLASSES, Blobs, Parameters, clouds


class UnitNormalWeights(Blobs):
    """All weights from N(0, 1), inputs not scaled."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        model = super().build(dataclasses.replace(parameters, batch_norm=False, hidden_width=256), example)
        for weight in model.parameters():
            nn.init.normal_(weight)
        return model


class DetachedLayer(Blobs):
    """The first layer's output is cut off from it."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        layers = list(super().build(parameters, example).children())
        return nn.Sequential(layers[0], Detach(), *layers[1:])


class Detach(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


class BatchStatistics(Blobs):
    """Batch norm uses the batch's own moments at evaluation."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        width = parameters.hidden_width
        norm = nn.BatchNorm1d(width, track_running_stats=False)
        return nn.Sequential(nn.Linear(6, width), norm, nn.ReLU(), nn.Linear(width, CLASSES))


class ShuffledLabels(Blobs):
    """Labels are shuffled against their rows while the data is loaded."""

    def load(self, data: str, data_root: Path) -> Splits:
        train, valid = clouds(240, seed=0), clouds(80, seed=1)
        order = torch.randperm(240, generator=torch.Generator().manual_seed(9))
        return splits_of(data, Rows(train.inputs, train.targets[order]), valid)


class RowInTwoSplits(Blobs):
    """One validation row is a training row."""

    def load(self, data: str, data_root: Path) -> Splits:
        train, valid = clouds(240, seed=0), clouds(80, seed=1)
        inputs = valid.inputs.clone()
        inputs[3] = train.inputs[7]
        return splits_of(data, train, Rows(inputs, valid.targets))


class FixedSeed(Blobs):
    """Weights are drawn from a seed of their own."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        torch.manual_seed(0)
        return super().build(parameters, example)


class UnseededWeights(Blobs):
    """Each model is another one, whatever the seed."""

    _built = itertools.count()

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        torch.manual_seed(next(self._built))
        return super().build(parameters, example)


class DropoutAtEvaluation(Blobs):
    """Dropout that does not know of evaluation."""

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        outputs: Tensor = model(nn.functional.dropout(batch.inputs, 0.2, training=True))
        return outputs


class CountsEvaluations(Blobs):
    """Rows are shown in an order that depends on how often the task was asked: it is not saved."""

    def __init__(self) -> None:
        self._asked = 0

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        self._asked += 1
        return Rows(batch.inputs * (1 + 0.01 * self._asked), batch.targets)


class DoubleSoftmax(Blobs):
    """The loss takes logits and gets probabilities."""

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        outputs: Tensor = model(batch.inputs)
        return outputs.softmax(dim=1)


class SummedLoss(Blobs):
    """Each row's loss is the sum over its batch."""

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Any) -> Tensor:
        return super().losses(outputs, targets, parameters) * len(targets)


class RawPixels(Blobs):
    """Inputs from 0 to 255 and more, not scaled."""

    def load(self, data: str, data_root: Path) -> Splits:
        train, valid = clouds(240, seed=0), clouds(80, seed=1)
        return splits_of(
            data, Rows(255 * train.inputs, train.targets), Rows(255 * valid.inputs, valid.targets)
        )


class ShiftedLabels(Blobs):
    """The classes of the training rows are counted from 1, those of the validation rows from 0."""

    def load(self, data: str, data_root: Path) -> Splits:
        train, valid = clouds(240, seed=0), clouds(80, seed=1)
        return splits_of(data, Rows(train.inputs, (train.targets + 1) % CLASSES), valid)


class TargetsInInputs(Blobs):
    """The model sees the answer."""

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        answer = nn.functional.one_hot(batch.targets, CLASSES) * 10.0
        outputs: Tensor = model(torch.cat([batch.inputs[:, :2], answer], dim=1))
        return outputs


class StaysInEvaluation(Blobs):
    """A call of eval() that was left in the forward pass."""

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        outputs: Tensor = model.eval()(batch.inputs)
        return outputs


class NeverTrains(Blobs):
    """A model whose train() does nothing."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        return AlwaysEvaluates(*super().build(parameters, example).children())


class AlwaysEvaluates(nn.Sequential):
    def train(self, mode: bool = True) -> AlwaysEvaluates:
        super().train(False)
        return self


class FrozenLayer(Blobs):
    """The first layer does not learn. This may be meant, so it is told and does not fail."""

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        layers = list(super().build(parameters, example).children())
        layers[0].requires_grad_(False)
        return nn.Sequential(*layers)


class Hungry(Blobs):
    """Runs out of memory in steps of more than 32 rows, and in the evaluation after steps of more than 16."""

    def __init__(self) -> None:
        self._largest = 0

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        if model.training:
            self._largest = len(batch)
        if self._largest > (32 if model.training else 16):
            raise MemoryError
        # Slower with few rows, so that larger batches pay: the probe is to go on until the memory ends.
        outputs: Tensor = sum(model(batch.inputs) for _ in range(200 // len(batch))) / (200 // len(batch))
        return outputs if model.training else model(batch.inputs)
