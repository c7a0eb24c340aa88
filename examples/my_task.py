"""A task of one's own: two interleaved half moons, told apart by a small network."""

from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.datasets import make_moons
from torch import Tensor, nn

from objectives import Rows, Splits, Task, TrainingParameters, splits_of


@dataclass(frozen=True)
class MoonsParameters(TrainingParameters):
    hidden_width: int = 16
    dropout: float = 0.0


class Moons(Task):
    """Two half moons, 400 training points."""

    name, chance_score, rounds, data_sets = "moons", 0.5, 20, ("moons",)
    Parameters = MoonsParameters

    def load(self, data: str, data_root: Path) -> Splits:
        return splits_of(data, train=moons(400, seed=1), valid=moons(200, seed=2))

    def load_test(self, data: str, data_root: Path) -> Rows:
        return moons(1000, seed=3)

    def build(self, parameters: MoonsParameters, example: Rows) -> nn.Module:
        norm = nn.BatchNorm1d(parameters.hidden_width, momentum=parameters.bn_momentum)
        middle = [norm] if parameters.batch_norm else []
        end = [nn.ReLU(), nn.Dropout(parameters.dropout), nn.Linear(parameters.hidden_width, 2)]
        return nn.Sequential(nn.Linear(2, parameters.hidden_width), *middle, *end)

    def losses(self, outputs: Tensor, targets: Tensor, parameters: MoonsParameters) -> Tensor:
        return nn.functional.cross_entropy(outputs, targets, reduction="none")

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.argmax(dim=1) == targets


def moons(count: int, seed: int) -> Rows:
    points, labels = make_moons(count, noise=0.25, random_state=seed)
    return Rows(torch.tensor(points, dtype=torch.float32), torch.tensor(labels))
