"""Decides whether a curve still improves, from its trend and its recent slope, and since when it has not."""

from __future__ import annotations

import math

from sweeps.pruning.curves import (
    SIGNIFICANT_Z,
    falls,
    moving_average,
    noise_of,
    reached,
    rises,
    slope_of,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.scale import (
    NO_GAIN,
    may_be_at_chance,
    point_of,
    scale_of,
    start_of,
)

STILL_CLIMBING = 0.3  # the share of the budget over which the score's slope is measured


def goes_nowhere(curve: Curve, budget: int, *, significance_z: float = SIGNIFICANT_Z) -> bool:
    """Whether neither the losses nor the scores have improved after the first tenth of the budget.

    A slow learner still shows a trend.
    """
    skipped = min(math.ceil(0.1 * budget), len(curve) // 6)
    better = [-curve.valid_loss, curve.valid_score]
    if curve.has_train_loss:
        better.append(-curve.train_loss)
    if curve.has_train_score:
        better.append(curve.train_score)
    if any(rises(values[skipped:], significance_z=significance_z) for values in better):
        return False
    return not any(has_gained(values[skipped:], budget) for values in better[2:])


def has_gained(values: FloatArray, budget: int) -> bool:
    """Whether the latest smoothed value is larger than the first by far more than noise."""
    window = smoothing_window(budget)
    smooth = moving_average(values, window)[window - 1 :]
    if len(smooth) < 2:
        return False
    return float(smooth[-1] - smooth[0]) > 4 * noise_of(values) / math.sqrt(window) + 1e-9 * abs(
        float(smooth[0])
    )


def still_climbs(curve: Curve, budget: int) -> bool:
    """Whether the score would gain half a point or more by the end of the budget if its recent slope continued."""
    least = NO_GAIN / 0.01 * point_of(curve, scale_of(curve, budget).gain)
    for share, errors in ((STILL_CLIMBING, 0.0), (STILL_CLIMBING / 2, 2.0)):
        slope, error = slope_of(curve.valid_score[-max(4, round(share * budget)) :])
        if (slope - errors * error) * max(0, budget - len(curve)) > least:
            return True
    return False


def is_under_way(curve: Curve, budget: int, num_latest: int) -> bool:
    """Whether training still improves: its score rises, or its loss falls while the scores may still be at chance."""
    latest = slice(-num_latest, None)
    scores = curve.train_score[latest]
    if curve.has_train_score:
        half = len(scores) // 2
        gain = float(scores[half:].mean() - scores[:half].mean()) if half else 0.0
        reach = float(curve.train_score.max()) - start_of(curve.train_score, curve.floor)
        if gain > 0.01 * max(reach, 0.0) and rises(scores):
            return True
    return curve.has_train_loss and may_be_at_chance(curve, budget) and falls(curve.train_loss[latest])


def reached_by(curve: Curve, budget: int) -> int:
    """The position from which the validation score has gained no more than noise."""
    return reached(curve.valid_score, budget=budget, negligible=scale_of(curve, budget).little)
