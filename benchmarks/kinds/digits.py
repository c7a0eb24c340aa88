"""Three kinds on handwritten digits: masks by a small U-Net, an accuracy in per cent, and a budget of five rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.kinds.dense import dense
from benchmarks.kinds.kind import Configuration, Kind, Problem, Score, mean_score
from objectives.datasets.mnist import load_mnist

_INK = 0.4  # brightness above which a pixel belongs to a digit


def _digits(seed: int, root: Path, num_rows: int) -> tuple[Tensor, Tensor]:
    """A random sample of MNIST's digits as float images from 0 to 1, with their labels."""
    rows = load_mnist("mnist", root).train
    places = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:num_rows]
    return rows.inputs[places].float().reshape(-1, 1, 28, 28) / 255, rows.targets[places]


def masks(seed: int, root: Path) -> Problem:
    """The task of finding the pixels of a digit that is covered by strokes of two other digits and by noise.

    There are 40 training images. The chance score is the intersection over union if all pixels are taken for the digit.
    """
    images, _ = _digits(seed, root, 720)
    draws = torch.Generator().manual_seed(seed)
    digits, others = images[:240], images[240:]
    clutter = torch.maximum(others[:240].roll(9, 3), others[240:].roll(-9, 2)) * 0.6
    noisy = torch.maximum(digits, clutter) + 0.25 * torch.randn(digits.shape, generator=draws)
    targets = (digits > _INK).float()
    whole = targets[40:].mean(dim=(1, 2, 3)).mean().item()
    return Problem((noisy[:40], targets[:40]), (noisy[40:], targets[40:]), whole)


class SmallUNet(nn.Module):
    """A U-Net of two levels, with one skip connection."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU())
        self.low = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(2 * channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
        )
        self.up = nn.Conv2d(2 * channels, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each pixel, (rows, 1, 28, 28)."""
        high = self.down(images)
        return self.up(torch.cat([high, self.low(high)], dim=1))


def _u_net(problem: Problem, configuration: Configuration) -> nn.Module:
    return SmallUNet(max(2, min(12, configuration.width // 16)), min(0.5, configuration.dropout))


def _negative_dice(output: Tensor, target: Tensor) -> Tensor:
    share = torch.sigmoid(output)
    both = (share * target).sum(dim=(1, 2, 3))
    return -(2 * both + 1) / (share.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3)) + 1)


def _intersection_over_union(output: Tensor, target: Tensor) -> Score:
    found, there = output > 0, target > 0
    both, either = (found & there).sum(dim=(1, 2, 3)), (found | there).sum(dim=(1, 2, 3))
    return mean_score(both / either.clamp(min=1))


def eight_by_eight(seed: int, root: Path) -> Problem:
    """scikit-learn's digits of 8 by 8 pixels. A quarter of the 300 training labels is wrong."""
    inputs, labels = load_digits(return_X_y=True)
    draws = np.random.default_rng(seed)
    places = draws.permutation(len(labels))[:800]
    inputs, labels = inputs[places] / 16, labels[places]
    wrong = (np.arange(800) < 300) & (draws.random(800) < 0.25)
    labels = np.where(wrong, draws.integers(10, size=800), labels)
    rows = torch.tensor(inputs, dtype=torch.float32), torch.tensor(labels)
    return Problem((rows[0][:300], rows[1][:300]), (rows[0][300:], rows[1][300:]), 10.0)


def few_digits(seed: int, root: Path) -> Problem:
    """MNIST's digits as rows of 784; 600 training rows."""
    images, labels = _digits(seed, root, 1200)
    inputs = images.flatten(1)
    return Problem((inputs[:600], labels[:600]), (inputs[600:], labels[600:]), 0.1)


def _ten_classes(problem: Problem, configuration: Configuration) -> nn.Module:
    return dense(problem.train[0].shape[1], 10, configuration)


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """The cross-entropy of each row."""
    return functional.cross_entropy(output, target, reduction="none")


def _per_cent(output: Tensor, target: Tensor) -> Score:
    return mean_score(100 * (output.argmax(dim=1) == target).float())


def _accuracy(output: Tensor, target: Tensor) -> Score:
    return mean_score((output.argmax(dim=1) == target).float())


KINDS = [
    Kind(
        "masks_iou",
        40,
        "iou",
        "maximize",
        masks,
        _u_net,
        _negative_dice,
        _intersection_over_union,
        num_valid=200,
        best=1.0,
        worst=0.0,
        lowest_loss=-1.0,
    ),
    Kind(
        "digits_per_cent",
        50,
        "accuracy",
        "maximize",
        eight_by_eight,
        _ten_classes,
        cross_entropy,
        _per_cent,
        num_valid=500,
        best=100.0,
        worst=0.0,
        decimals=2,
        running=True,
    ),
    Kind(
        "five_rounds",
        5,
        "accuracy",
        "maximize",
        few_digits,
        _ten_classes,
        cross_entropy,
        _accuracy,
        num_valid=600,
        best=1.0,
        worst=0.0,
    ),
]
