"""Three kinds of regression: two minimise an error in the unit of the target, one a loss that may be negative."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.kinds.dense import dense
from benchmarks.kinds.kind import Configuration, FloatArray, Kind, Problem, Score, mean_score

LEAST_LOG_DEVIATION = -2.0  # least log σ of a prediction, so that the likelihood is bounded
FRIEDMAN_UNIT = 5.0  # the original value that a target of 1 stands for
DOLLARS = 50_000.0


def friedman(seed: int, root: Path) -> Problem:
    """Friedman's first function of 10 numbers (Friedman 1991), with noise as in the original; 150 training rows."""
    inputs, targets = make_friedman1(400, noise=1.0, random_state=seed)
    return _split(2 * inputs - 1, (targets - 14.4) / FRIEDMAN_UNIT, 150, FRIEDMAN_UNIT)


def houses(seed: int, root: Path) -> Problem:
    """House prices in dollars, with a long tail, from eight features and a position on a map."""
    draws = np.random.default_rng(seed)
    features, place = draws.normal(size=(550, 8)), draws.uniform(-2, 2, size=(550, 2))
    appeal = 0.3 * features[:, 0] + 0.2 * np.abs(features[:, 1]) + 0.15 * features[:, 2] * features[:, 3]
    appeal += 0.35 * np.sin(3 * place[:, 0]) * np.cos(2 * place[:, 1])
    prices = np.exp(appeal + 0.2 * draws.standard_t(4, size=550))
    targets = (np.minimum(prices, 6.0) - 1.3) * 4
    problem = _split(np.concatenate([features, place], axis=1), targets, 250, DOLLARS)
    (_, train), (_, valid) = problem.train, problem.valid
    return Problem(problem.train, problem.valid, DOLLARS * ((valid - train.mean()) ** 2).mean().sqrt().item())


def uneven_noise(seed: int, root: Path) -> Problem:
    """A function of six inputs whose noise grows with the input. Chance: the loss of a constant normal distribution."""
    draws = np.random.default_rng(seed)
    inputs = draws.uniform(-1, 1, size=(500, 6))
    deviation = 0.05 + 0.25 * np.abs(inputs[:, 0])
    targets = (
        np.sin(3 * inputs[:, 1]) * inputs[:, 2] + 0.5 * inputs[:, 3] + deviation * draws.normal(size=500)
    )
    problem = _split(inputs, targets / targets.std(), 200, 1.0)
    known = problem.train[1]
    at_rest = math.log(known.std().item()) + ((problem.valid[1] - known.mean()) ** 2).mean().item() / (
        2 * known.var().item()
    )
    return Problem(problem.train, problem.valid, at_rest)


def _split(inputs: FloatArray, targets: FloatArray, num_train: int, unit: float) -> Problem:
    """Split the rows. The chance score is the mean absolute error if the training targets' median is predicted."""
    rows = [torch.tensor(each, dtype=torch.float32) for each in (inputs, targets)]
    train, valid = (rows[0][:num_train], rows[1][:num_train]), (rows[0][num_train:], rows[1][num_train:])
    chance = unit * (valid[1] - train[1].median()).abs().mean().item()
    return Problem(train, valid, chance)


def _network(problem: Problem, configuration: Configuration) -> nn.Module:
    return nn.Sequential(dense(problem.train[0].shape[1], 1, configuration), nn.Flatten(0))


def _two_outputs(problem: Problem, configuration: Configuration) -> nn.Module:
    return dense(problem.train[0].shape[1], 2, configuration)


def _squared(output: Tensor, target: Tensor) -> Tensor:
    return (output - target) ** 2


def _smooth(output: Tensor, target: Tensor) -> Tensor:
    return functional.smooth_l1_loss(output, target, reduction="none")


def _likelihood(output: Tensor, target: Tensor) -> Tensor:
    """Minus the logarithm of a normal density, up to a constant."""
    log_deviation = output[:, 1].clamp(min=LEAST_LOG_DEVIATION)
    return log_deviation + (output[:, 0] - target) ** 2 / (2 * torch.exp(2 * log_deviation))


def _absolute(output: Tensor, target: Tensor) -> Score:
    return mean_score(FRIEDMAN_UNIT * (output - target).abs())


def _root_mean_square(output: Tensor, target: Tensor) -> Score:
    squared = mean_score((output - target) ** 2)
    root = math.sqrt(squared.value)
    return Score(DOLLARS * root, DOLLARS * squared.error / (2 * root))


KINDS = [
    Kind("friedman_mae", 60, "mae", "minimize", friedman, _network, _squared, _absolute, num_valid=250),
    Kind(
        "house_rmse",
        100,
        "rmse",
        "minimize",
        houses,
        _network,
        _smooth,
        _root_mean_square,
        running=True,
        decimals=0,
        num_valid=300,
    ),
    Kind(
        "likelihood",
        80,
        "validation loss",
        "minimize",
        uneven_noise,
        _two_outputs,
        _likelihood,
        None,
        best=-0.75,
        num_valid=300,
        lowest_loss=LEAST_LOG_DEVIATION,
    ),
]
