"""The definition of a kind of training: its data, model, loss and score, and the meaning of its figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Configuration:
    """The hyperparameters of one curve. momentum: of SGD. weight_decay, dropout: 0 for none. width: of hidden layers."""

    optimizer: Literal["sgd", "adam"]
    learning_rate: float
    momentum: float
    schedule: Literal["constant", "cosine", "step", "warm_up"]
    batch_size: int
    width: int
    dropout: float
    weight_decay: float
    activation: Literal["relu", "tanh"]


@dataclass(frozen=True)
class Problem:
    """Training and validation rows, each as input and target, and the score of a model that has learnt nothing."""

    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]
    chance: float


@dataclass(frozen=True)
class Score:
    """A mean score, and its standard error due to the sample of rows."""

    value: float
    error: float


@dataclass(frozen=True)
class Kind:
    """A kind of training.

    rounds: planned rounds. steps: optimizer steps per round; None for one pass over the training rows. problem: makes
    the data from a seed, or samples them from the data folder. model: makes a model for a problem. loss: the loss of
    each row. score: the score of the outputs for some rows; None if only the loss is recorded. running: whether the
    training figures are means over the round, with dropout, as in most loggers; else they are computed on all training
    rows after the round. decimals: those of a recorded score. trials: their number in the parts `develop` and `report`.
    num_valid: rows from which a validation score is computed. best, worst: the best and the worst possible score; worst
    is None if errors have no bound. lowest_loss: the least possible loss. is_logarithmic: whether ratios of the score
    count rather than differences.
    """

    name: str
    rounds: int
    score_name: str
    direction: Literal["maximize", "minimize"]
    problem: Callable[[int, Path], Problem]
    model: Callable[[Problem, Configuration], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], Score] | None
    trials: tuple[int, int] = (24, 24)
    steps: int | None = None
    running: bool = False
    decimals: int | None = None
    num_valid: int = 0
    best: float = 0.0
    worst: float | None = None
    lowest_loss: float = 0.0
    is_logarithmic: bool = False

    def shares(self, scores: FloatArray, chance: float) -> FloatArray:
        """Scores in a unit in which the best possible score is 1, and the worst (or else the chance score) is 0."""
        if self.is_logarithmic:
            return np.asarray(1 - np.log(scores) / math.log(chance))
        zero = chance if self.worst is None else self.worst
        return np.asarray((scores - zero) / (self.best - zero))

    def share_of_error(self, error: FloatArray, scores: FloatArray, chance: float) -> FloatArray:
        """Standard errors of scores in the unit of `shares`."""
        if self.is_logarithmic:
            return np.asarray(np.abs(error / scores) / math.log(chance))
        zero = chance if self.worst is None else self.worst
        return np.asarray(np.abs(error / (self.best - zero)))


def mean_score(of_rows: Tensor) -> Score:
    """The mean of the rows' scores."""
    return Score(of_rows.mean().item(), of_rows.std().item() / math.sqrt(len(of_rows)))
