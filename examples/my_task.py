"""A task of one's own: two interleaved half moons, told apart by a small network."""

from pathlib import Path

import torch
from sklearn.datasets import make_moons
from torch import Tensor, nn

from objectives import Rows, Splits, Task, TrainingParameters, splits_of


class Moons(Task):
    name, chance_score, rounds, data_sets = "moons", 0.5, 20, ("moons",)
    Parameters = TrainingParameters

    def load(self, data: str, data_root: Path) -> Splits:
        return splits_of(data, train=moons(400, seed=1), valid=moons(200, seed=2))

    def load_test(self, data: str, data_root: Path) -> Rows:
        return moons(1000, seed=3)

    def build(self, parameters: TrainingParameters, example: Rows) -> nn.Module:
        width, momentum = parameters.hidden_width, parameters.bn_momentum
        norm = [nn.BatchNorm1d(width, momentum=momentum)] if parameters.batch_norm else []
        end = [nn.ReLU(), nn.Dropout(parameters.dropout), nn.Linear(width, 2)]
        return nn.Sequential(nn.Linear(2, width), *norm, *end)

    def losses(self, outputs: Tensor, targets: Tensor, parameters: TrainingParameters) -> Tensor:
        return nn.functional.cross_entropy(outputs, targets, reduction="none")

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.argmax(dim=1) == targets


def moons(count: int, seed: int) -> Rows:
    points, labels = make_moons(count, noise=0.25, random_state=seed)
    return Rows(torch.tensor(points, dtype=torch.float32), torch.tensor(labels))
