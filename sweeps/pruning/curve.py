"""A trial's learning curve as plain arrays, from whatever recorded it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from objectives import Round
from sweeps.outcome import Metric

FloatArray = NDArray[np.float64]


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
    columns = {
        name: [getattr(each, name) for each in rounds]
        for name in (*_REQUIRED, *_SIGNALS, "train_score", "valid_score", "running_loss")
    }
    return curve_from_columns(columns, metric)


def curve_from_columns(columns: Mapping[str, Sequence[float | None]], metric: Metric | None) -> Curve:
    """A curve from columns under the names of a Round's figures; `train_loss` and `valid_loss` are needed.

    metric: None where all that is known is that there is a loss.
    """
    losses = {name: _array(columns[name]) for name in _REQUIRED}
    sign = -1.0 if metric is not None and metric.direction == "minimize" else 1.0
    scores = {}
    for split in ("train", "valid"):
        given = columns.get(f"{split}_score")
        scores[f"{split}_score"] = -losses[f"{split}_loss"] if given is None else sign * _array(given)
    given = columns.get("valid_score_batch_statistics")
    has_score = columns.get("valid_score") is not None
    error = np.zeros(len(losses["valid_loss"]))
    if metric is not None and has_score and metric.num_valid > 0:
        share = np.clip(np.abs(scores["valid_score"]), 0.0, 1.0)
        error = np.sqrt(share * (1.0 - share) / metric.num_valid)
    return Curve(
        **losses,
        **scores,
        score_error=error,
        chance=sign * metric.chance if metric is not None and has_score else math.nan,
        running_loss=_optional(columns.get("running_loss")),
        batch_statistics_score=None if (array := _optional(given)) is None else sign * array,
        gradient_norm=_optional(columns.get("gradient_norm")),
        dead_share=_optional(columns.get("dead_share")),
        saturated_share=_optional(columns.get("saturated_share")),
        learning_rate=_optional(columns.get("learning_rate")),
    )


_REQUIRED = ("train_loss", "valid_loss")
_SIGNALS = ("gradient_norm", "dead_share", "saturated_share", "learning_rate")


def _array(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _optional(values: Sequence[float | None] | None) -> FloatArray | None:
    if values is None:
        return None
    array = _array(values)
    return None if np.isnan(array).all() else array
