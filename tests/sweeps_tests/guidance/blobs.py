"""A small classifier on the shared loop: four clouds of points, sixteen hidden units, batch norm and dropout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from objectives.classification import ClassificationTask
from objectives.parameters.training import TrainingParameters
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import splits_of

CLASSES = 4


@dataclass(frozen=True)
class Parameters(TrainingParameters):
    learning_rate: float = 0.01
    batch_size: int = 16
    hidden_width: int = 16
    dropout: float = 0.1


def clouds(num: int, seed: int) -> Rows:
    """Points of four overlapping clouds on a circle, in 6 dimensions of which 4 are noise."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(num) % CLASSES
    angle = targets * (2 * torch.pi / CLASSES)
    inputs = torch.randn(num, 6, generator=generator)
    inputs[:, 0] += 3 * angle.cos()
    inputs[:, 1] += 3 * angle.sin()
    return Rows(inputs, targets)


class Blobs(ClassificationTask):
    """A sound task."""

    name = "blobs"
    chance_score = 1 / CLASSES
    rounds = 20
    data_sets = ("clouds",)
    Parameters = Parameters

    def load(self, data: str, data_root: Path) -> Splits:
        return splits_of(data, clouds(240, seed=0), clouds(80, seed=1))

    def load_test(self, data: str, data_root: Path) -> Rows:
        return clouds(80, seed=2)

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        width = parameters.hidden_width
        layers: list[nn.Module] = [nn.Linear(6, width)]
        if parameters.batch_norm:
            layers.append(nn.BatchNorm1d(width, momentum=parameters.bn_momentum))
        return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(parameters.dropout), nn.Linear(width, CLASSES))
