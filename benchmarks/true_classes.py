"""The true class of a curve, found from the whole curve. Stop rules and diagnoses are measured against it.

These rules were committed before the stop rules were written, except one: the condition under which a still falling loss
means that training is unfinished. That one follows the labels of readers for the part `develop` (`benchmarks.hand_labels`);
before, it was a fall of 3 % in the last quarter. The rules here smooth over rounds on both sides and use later rounds, which
a stop rule can't do while a trial runs. A point is 0.01 of a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweeps.pruning.curves import path_excess
from sweeps.pruning.learning_curve import Curve, FloatArray

POINT = 0.01


@dataclass(frozen=True)
class Truth:
    """The true class of a curve.

    label: as in `sweep diagnose`. onset: position of the onset of overfitting, which is the later of two: the turn of
    the loss, and the last gain in the score of more than half a point; None without overfitting. turned: position at
    which the loss turned.
    """

    label: str
    onset: int | None = None
    turned: int | None = None


def true_class(curve: Curve) -> Truth:
    """The true class of a whole curve. Its chance score and the standard errors of its scores must be known."""
    length = len(curve)
    if not np.isfinite(curve.train_loss).all() or np.isnan(curve.valid_loss).any():
        return Truth("diverged")
    train, valid = centered(curve.train_score), centered(curve.valid_score)
    train_loss, valid_loss = centered(curve.train_loss), centered(np.minimum(curve.valid_loss, 1e30))
    error = float(np.median(curve.score_error))
    gain = float(train.max() - curve.chance)
    if curve.batch_statistics_score is not None:
        lag = centered(curve.batch_statistics_score - curve.valid_score)
        late = lag[-max(3, length // 4) :]
        if float(np.median(late)) > max(2 * POINT, 3 * np.sqrt(2) * error):
            return Truth("stale_statistics")
    if gain > 5 * POINT and max(_share_kept(train, curve.chance), _share_kept(valid, curve.chance)) < 0.7:
        return Truth("collapsed")
    if train_loss[-1] > 10 * train_loss.min() and train_loss[-1] > 2 * train_loss[0]:
        return Truth("diverged")
    learnt = float(valid.max() - curve.chance)
    is_flat = last_gain_of(valid, max(POINT, 2 * error)) <= 0.1 * length
    if gain < 5 * POINT and (learnt < max(2 * POINT, 3 * error) or (learnt < 5 * POINT and is_flat)):
        return Truth("not_learning")
    turned = int(np.argmin(valid_loss))
    last_gain = last_gain_of(valid, 0.5 * POINT)
    risen = valid_loss[-1] / valid_loss[turned] - 1 if valid_loss[turned] > 0 else 0.0
    if turned <= 0.8 * length and risen > 0.03 and train_loss[-1] < train_loss[turned]:
        if last_gain > 0.8 * length:
            return Truth("overconfident", turned=turned)
        return Truth("overfitting", onset=max(turned, last_gain), turned=turned)
    half = slice(length // 2, None)
    if (
        path_excess(curve.valid_score[half]) > max(1.5 * POINT, 1.2 * error)
        and path_excess(curve.train_score[half]) > POINT
    ):
        return Truth("bouncing")
    before = int(0.75 * length)
    if valid[-1] - valid[:before].max() > max(0.5 * POINT, 2 * error / np.sqrt(window_of(length))):
        return Truth("unfinished")
    if share_of_fall(valid_loss, before) > 0.05:
        return Truth("unfinished")
    if last_gain <= 0.5 * length and valid_loss[-1] > 0.98 * valid_loss[: length // 2].min():
        return Truth("plateau")
    return Truth("healthy")


def window_of(length: int) -> int:
    """The number of rounds to average over: odd, about a sixteenth of all."""
    return max(3, 2 * round(length / 32) + 1)


def centered(values: FloatArray) -> FloatArray:
    """The mean over the same number of rounds on both sides; near the ends, over fewer rounds."""
    half = window_of(len(values)) // 2
    reach = np.minimum(half, np.minimum(np.arange(len(values)), np.arange(len(values))[::-1]))
    sums = np.cumsum(np.concatenate([[0.0], values]))
    positions = np.arange(len(values))
    return np.asarray((sums[positions + reach + 1] - sums[positions - reach]) / (2 * reach + 1))


def last_gain_of(scores: FloatArray, least: float) -> int:
    """The first position after which the score gains no more than `least`."""
    return int(np.argmax(scores >= scores.max() - least))


def _share_kept(scores: FloatArray, chance: float) -> float:
    """The fraction of the best gain over chance that is left at the end."""
    return float((scores[-1] - chance) / (scores.max() - chance)) if scores.max() > chance else 1.0


def share_of_fall(losses: FloatArray, before: int) -> float:
    """The fraction of a loss's whole fall that lies after position `before`.

    If all losses are positive, their logarithms are used, because a loss that falls little in absolute terms may still
    fall clearly.
    """
    values = np.asarray(losses, dtype=np.float64)
    if (values > 0).all():
        values = np.log(values)
    reach = float(values.max() - values.min())
    return float(values[:before].min() - values[-1]) / reach if reach > 0 else 0.0
