"""A trial's learning curve as plain arrays, from whatever recorded it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from objectives import Round
from sweeps.trial.metric import Metric

FloatArray = NDArray[np.float64]

REQUIRED = ("train_loss", "valid_loss")
SCORES = ("train_score", "valid_score")
SIGNALS = (  # what else may be recorded of a round, under the names of a Round's figures
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
    """The rounds of one trial, oldest first, in arrays of one length.

    Scores are oriented: more is better. Where a curve has none, minus the loss stands for it. What was not recorded is
    None as a whole, or NaN in a round.

    score_error: standard error of a validation score at each round, from its sampling; 0 where that is not known.
    chance: the score of a model that has learnt nothing; NaN where that is not known.
    """

    train_loss: FloatArray
    valid_loss: FloatArray
    train_score: FloatArray
    valid_score: FloatArray
    score_error: FloatArray
    chance: float = math.nan
    running_loss: FloatArray | None = None
    batch_statistics_score: FloatArray | None = None
    gradient_norm: FloatArray | None = None
    first_layer_gradient_norm: FloatArray | None = None
    dead_share: FloatArray | None = None
    saturated_share: FloatArray | None = None
    learning_rate: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.valid_loss)

    @property
    def floor(self) -> float:
        """The score below which none is lost: chance, else 0 where all scores lie from 0 to 1; NaN where unknown."""
        if not math.isnan(self.chance) or not len(self):
            return self.chance
        return 0.0 if self._is_share else math.nan

    @property
    def ceiling(self) -> float:
        """The best score there is: 1 where all scores lie from 0 to 1; else unknown, so infinite."""
        return 1.0 if self._is_share else math.inf

    @property
    def _is_share(self) -> bool:
        scores = np.concatenate([self.train_score, self.valid_score])
        scores = scores[np.isfinite(scores)]
        return bool(len(scores) and scores.min() >= 0 and scores.max() <= 1)

    def until(self, num_rounds: int) -> Curve:
        """The first `num_rounds` rounds."""
        cut = {
            each.name: array[:num_rounds]
            for each in fields(self)
            if isinstance(array := getattr(self, each.name), np.ndarray)
        }
        return replace(self, **cut)  # type: ignore[arg-type]  # chance is no array

    @property
    def best(self) -> int:
        """Position of the best finite validation score, the earliest among equals; 0 where none is finite."""
        scores = np.where(np.isfinite(self.valid_score), self.valid_score, -np.inf)
        return int(np.argmax(scores))


def curve_of(rounds: Sequence[Round], metric: Metric) -> Curve:
    """The curve of a trial of the service."""
    names = (*REQUIRED, *SCORES, *SIGNALS)
    return curve_from_columns({name: [getattr(each, name) for each in rounds] for name in names}, metric)


def curve_from_columns(columns: Mapping[str, Sequence[float | None]], metric: Metric) -> Curve:
    """A curve from columns under the names of a Round's figures, of which REQUIRED are needed."""
    losses = {name: _array(columns[name]) for name in REQUIRED}
    has_scores = all(columns.get(name) is not None for name in SCORES)
    sign = -1.0 if metric.direction == "minimize" else 1.0
    if has_scores:
        train_score, valid_score = (
            _carried_on(sign * _array(columns[name]), sign * metric.chance) for name in SCORES
        )
    else:
        train_score, valid_score = (-losses[name] for name in REQUIRED)
    error = np.zeros(len(valid_score))
    if has_scores and metric.num_valid > 0:
        share = np.clip(np.abs(valid_score), 0.0, 1.0)
        error = np.sqrt(share * (1.0 - share) / metric.num_valid)
    signals = {name: _optional(columns.get(name)) for name in SIGNALS}
    batch_statistics = signals.pop("valid_score_batch_statistics")
    return Curve(
        train_loss=losses["train_loss"],
        valid_loss=losses["valid_loss"],
        train_score=train_score,
        valid_score=valid_score,
        score_error=error,
        chance=sign * metric.chance if has_scores else math.nan,
        batch_statistics_score=None if batch_statistics is None else sign * batch_statistics,
        running_loss=_filled(columns.get("running_loss"), losses["train_loss"]),
        gradient_norm=signals["gradient_norm"],
        first_layer_gradient_norm=signals["first_layer_gradient_norm"],
        dead_share=signals["dead_share"],
        saturated_share=signals["saturated_share"],
        learning_rate=signals["learning_rate"],
    )


def _carried_on(scores: FloatArray, chance: float) -> FloatArray:
    """Scores without gaps: one that is not a number (a precision of 0/0) says nothing new, so the one before it stands.

    At the start chance stands, or where that is unknown the first score that is a number.
    """
    known = np.flatnonzero(~np.isnan(scores))
    if len(known) in (0, len(scores)):
        return scores
    latest = np.searchsorted(known, np.arange(len(scores)), side="right") - 1
    first = scores[known[0]] if math.isnan(chance) else chance
    return np.where(latest < 0, first, scores[known[np.maximum(latest, 0)]])


def _filled(values: Sequence[float | None] | None, instead: FloatArray) -> FloatArray | None:
    """As `_optional`, with `instead` in single rounds in which nothing was recorded."""
    filled = _optional(values)
    if filled is None or values is None:
        return None
    return np.where([value is None for value in values], instead, filled)


def _array(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _optional(values: Sequence[float | None] | None) -> FloatArray | None:
    """None where nothing was recorded; what was recorded as not a number is a sign of its own."""
    return None if values is None or all(value is None for value in values) else _array(values)
