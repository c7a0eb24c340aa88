"""A trial's learning curve as plain arrays, made from stored rounds or from columns of any source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from objectives import Round
from sweeps.trial.metric import Metric

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

LOSSES = ("train_loss", "valid_loss")
SCORES = ("train_score", "valid_score")
SIGNALS = (  # further figures that a round may have, under the names of a Round's fields
    "running_loss",
    "valid_score_batch_statistics",
    "gradient_norm",
    "first_layer_gradient_norm",
    "dead_share",
    "saturated_share",
    "learning_rate",
)


@dataclass(frozen=True)
class Curve:
    """The rounds of one trial, oldest first, in arrays of equal length.

    Scores are oriented: larger is better. A validation loss or score that was not recorded is replaced by minus the
    other (`score_is_loss`, `loss_is_score`); a training score by minus the training loss, if there are losses only.
    Training figures that were not recorded are NaN in all rounds. Any other figure that was not recorded is None, or
    NaN in single rounds.

    numbers: the number of each round in its source: 1, 2, 3 …, or epochs from 0, or steps. ends: how many rounds there
    were up to each one, this one included. train_measured, valid_measured: whether a round has any training or
    validation figure, finite or not. score_error: the standard error of each validation score, from its sampling; 0 if
    the number of rows is not known. chance: the score of a model that has learnt nothing; NaN if it is not known.
    """

    train_loss: FloatArray
    valid_loss: FloatArray
    train_score: FloatArray
    valid_score: FloatArray
    score_error: FloatArray
    numbers: IntArray
    ends: IntArray
    train_measured: BoolArray
    valid_measured: BoolArray
    chance: float = math.nan
    score_is_loss: bool = False
    loss_is_score: bool = False
    has_train_loss: bool = True
    has_train_score: bool = True
    running_loss: FloatArray | None = None
    batch_statistics_score: FloatArray | None = None
    gradient_norm: FloatArray | None = None
    first_layer_gradient_norm: FloatArray | None = None
    dead_share: FloatArray | None = None
    saturated_share: FloatArray | None = None
    learning_rate: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.valid_loss)

    def until(self, num_rounds: int) -> Curve:
        """The first `num_rounds` rounds."""
        return self.with_arrays({name: array[:num_rounds] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The fields that are arrays, with one value for each round."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}

    def with_arrays(self, arrays: Mapping[str, NDArray[np.generic]]) -> Curve:
        """The same curve with other arrays."""
        return replace(self, **arrays)  # type: ignore[arg-type]  # of the fields' own types

    @cached_property
    def best(self) -> int:
        """Position of the best finite validation score, the earliest among equals; 0 if none is finite."""
        return int(np.argmax(np.where(self._has_score, self.valid_score, -np.inf)))

    @cached_property
    def best_by_round(self) -> FloatArray:
        """The best validation score up to each round; minus infinity before there is one."""
        scores = np.where(self._has_score, self.valid_score, -np.inf)
        return np.asarray(np.maximum.accumulate(scores))

    @cached_property
    def _has_score(self) -> BoolArray:
        return np.asarray(self.valid_measured & np.isfinite(self.valid_score))

    @cached_property
    def _range(self) -> tuple[float, float]:
        """The smallest and the largest of all scores and of chance; NaN if there are none."""
        scores = np.concatenate([self.train_score, self.valid_score, [self.chance]])
        scores = scores[np.isfinite(scores)]
        return (float(scores.min()), float(scores.max())) if len(scores) else (math.nan, math.nan)

    @property
    def floor(self) -> float:
        """The score from which gains are counted: chance; else 0 if no score is negative; NaN if it is not known.

        It is not known for a curve with losses only, because a loss of 0 has no fixed meaning.
        """
        if not math.isnan(self.chance) or self.score_is_loss:
            return self.chance
        return 0.0 if self._range[0] >= 0 else math.nan

    @property
    def ceiling(self) -> float:
        """The best possible score: 1 for fractions, 100 for percentages, 0 for errors; infinity if it is not known."""
        low, high = self._range
        if self.score_is_loss or math.isnan(low):
            return math.inf
        if low >= 0:
            return 1.0 if high <= 1 else 100.0 if high <= 100 else math.inf
        return 0.0 if high <= 0 else math.inf


def curve_of(rounds: Sequence[Round], metric: Metric) -> Curve:
    """The curve of a trial of onset-sweeps."""
    names = (*LOSSES, *SCORES, *SIGNALS)
    return curve_from_columns({name: [getattr(each, name) for each in rounds] for name in names}, metric)


def curve_from_columns(
    columns: Mapping[str, Sequence[float | None]], metric: Metric, numbers: Sequence[int] | None = None
) -> Curve:
    """A curve from columns that are named like a Round's figures. Raises ValueError without a validation figure.

    columns: None in a column means that the figure was not measured in this round; NaN and infinity mean that it was
    measured and is not finite. numbers: the rounds' numbers; None for 1, 2, 3 ….
    """
    found = {name: _optional(columns.get(name)) for name in (*LOSSES, *SCORES, *SIGNALS)}
    if found["valid_loss"] is None and found["valid_score"] is None:
        raise ValueError("a curve needs valid_loss or valid_score")
    sign = -1.0 if metric.direction == "minimize" else 1.0
    has_scores = found["valid_score"] is not None
    chance = sign * metric.chance if has_scores else math.nan
    figures = _losses_and_scores(found, sign, chance)
    length = len(figures["valid_loss"])
    batch_statistics = found["valid_score_batch_statistics"]
    return Curve(
        **figures,
        score_error=_sampling_error(figures["valid_score"], metric, has_scores),
        numbers=np.arange(1, length + 1) if numbers is None else np.asarray(numbers, dtype=np.int64),
        ends=np.arange(1, length + 1),
        train_measured=_measured(columns, ("train_loss", "train_score"), length),
        valid_measured=_measured(columns, ("valid_loss", "valid_score"), length),
        chance=chance,
        score_is_loss=not has_scores,
        loss_is_score=found["valid_loss"] is None,
        has_train_loss=found["train_loss"] is not None,
        has_train_score=bool(np.isfinite(figures["train_score"]).any()),
        batch_statistics_score=None if batch_statistics is None else sign * batch_statistics,
        running_loss=_filled(columns.get("running_loss"), figures["train_loss"]),
        gradient_norm=found["gradient_norm"],
        first_layer_gradient_norm=found["first_layer_gradient_norm"],
        dead_share=found["dead_share"],
        saturated_share=found["saturated_share"],
        learning_rate=found["learning_rate"],
    )


def _losses_and_scores(
    found: Mapping[str, FloatArray | None], sign: float, chance: float
) -> dict[str, FloatArray]:
    """The four figures that every curve has; those that were not recorded are replaced (see Curve)."""
    valid_loss, valid_score = found["valid_loss"], found["valid_score"]
    train_loss, train_score = found["train_loss"], found["train_score"]
    if valid_score is None:
        assert valid_loss is not None
        valid_score = -valid_loss
        train_score = None if train_loss is None else -train_loss
    else:
        valid_score = _carried_on(sign * valid_score, chance)
        train_score = None if train_score is None else _carried_on(sign * train_score, chance)
    if valid_loss is None:
        valid_loss = -valid_score
    unknown = np.full(len(valid_loss), math.nan)
    if train_loss is None and train_score is not None:
        train_loss = -train_score
    return {
        "train_loss": unknown if train_loss is None else train_loss,
        "valid_loss": valid_loss,
        "train_score": unknown if train_score is None else train_score,
        "valid_score": valid_score,
    }


def _sampling_error(scores: FloatArray, metric: Metric, has_scores: bool) -> FloatArray:
    """Standard error of scores that are fractions or percentages of `num_valid` rows; 0 for others, or without rows.

    An error rate can't be told from a distance in metres, nor a percentage from decibels. So such scores count only if
    they correspond to whole numbers of rows. Scores between 0 and 1 that are maximised need not: the standard error of
    an F1 score is much like that of an accuracy.
    """
    if not has_scores or metric.num_valid <= 0:
        return np.zeros(len(scores))
    finite = np.abs(scores[np.isfinite(scores)])
    unit = 100.0 if len(finite) and finite.max() > 1 else 1.0
    rows = finite / unit * metric.num_valid
    is_whole = bool((np.abs(rows - np.round(rows)) < 0.05).all())
    if not is_whole and (unit != 1 or (scores < 0).any()):
        return np.zeros(len(scores))
    share = np.clip(np.abs(scores) / unit, 0.0, 1.0)
    return np.asarray(unit * np.sqrt(share * (1.0 - share) / metric.num_valid))


def _measured(columns: Mapping[str, Sequence[float | None]], names: Sequence[str], length: int) -> BoolArray:
    """Whether a round has any of these figures."""
    there = np.zeros(length, dtype=np.bool_)
    for name in names:
        values = columns.get(name)
        if values is not None:
            there |= np.array([value is not None for value in values], dtype=np.bool_)
    return there


def _carried_on(scores: FloatArray, chance: float) -> FloatArray:
    """Scores in which each NaN (such as a precision of 0/0) is replaced by the latest number before it.

    At the start it is replaced by chance or, if that is not known, by the first number.
    """
    known = np.flatnonzero(~np.isnan(scores))
    if len(known) in (0, len(scores)):
        return scores
    latest = np.searchsorted(known, np.arange(len(scores)), side="right") - 1
    first = scores[known[0]] if math.isnan(chance) else chance
    return np.where(latest < 0, first, scores[known[np.maximum(latest, 0)]])


def _filled(values: Sequence[float | None] | None, instead: FloatArray) -> FloatArray | None:
    """As `_optional`, but a round in which nothing was recorded has the value of `instead`."""
    filled = _optional(values)
    if filled is None or values is None:
        return None
    return np.where([value is None for value in values], instead, filled)


def _optional(values: Sequence[float | None] | None) -> FloatArray | None:
    """The values as an array, with NaN for None; None if nothing was recorded in any round."""
    if values is None or all(value is None for value in values):
        return None
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
