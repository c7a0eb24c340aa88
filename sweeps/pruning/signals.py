"""What is recorded besides losses and scores, and what it tells: dead units, a vanishing gradient, stale statistics."""

from __future__ import annotations

import math

import numpy as np

from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.scale import point_of

# What the first layer has of the gradient's norm is .09 or more in our nets that learn, .002 in food101's dead start.
VANISHING_SHARE = 0.01
MOST_ROWS = 20_000  # of a validation split that steps of a score can tell
VANISHING = 1e-3  # the whole gradient's norm, where the first layer's is not recorded


def is_stale(curve: Curve) -> bool:
    """Whether batch norm's running statistics are to blame: with the batch's own, the score is two points better."""
    if curve.batch_statistics_score is None:
        return False
    return float(curve.batch_statistics_score[-1] - curve.valid_score[-1]) > two_points(curve)


def least_lag(curve: Curve) -> float:
    """By how much the batch's own statistics must be better for a label: two points, and three errors of the score."""
    return max(two_points(curve), 3 * float(np.median(curve.score_error)))


def two_points(curve: Curve) -> float:
    """Two hundredths of the way from the floor to the ceiling, or of what was gained."""
    best = float(np.nanmax(curve.train_score if curve.has_train_score else curve.valid_score))
    gain = best - (float(curve.valid_score[0]) if np.isnan(curve.floor) else curve.floor)
    return 2 * point_of(curve, gain)


def worst_share(curve: Curve) -> float:
    """The larger of the shares of dead and of saturated units; 0 where neither is recorded."""
    shares = [float(each[-1]) for each in (curve.dead_share, curve.saturated_share) if each is not None]
    return max((share for share in shares if math.isfinite(share)), default=0.0)


def units_died(curve: Curve) -> bool:
    """Whether half the units of a layer are dead or saturated, far more than when training was at its best."""
    best = int(np.argmax(curve.train_score if curve.has_train_score else curve.valid_score))
    return any(
        shares is not None and shares[-1] >= 0.5 and shares[-1] >= shares[best] + 0.2
        for shares in (curve.dead_share, curve.saturated_share)
    )


def units_of(curve: Curve) -> str:
    """Of dead or saturated units, where there are many: the end of a sentence."""
    for word, shares in (("dead", curve.dead_share), ("saturated", curve.saturated_share)):
        if shares is not None and shares[-1] >= 0.25:
            return f"; {shares[-1]:.0%} of the units of a layer are {word}"
    return ""


def vanishes(curve: Curve) -> bool:
    """Whether hardly any gradient reaches the first layer, or, where only the whole gradient is known, none at all."""
    if curve.gradient_norm is None:
        return False
    if curve.first_layer_gradient_norm is None:
        return float(np.median(curve.gradient_norm)) < VANISHING
    return _first_layers_share(curve) < VANISHING_SHARE


def gradient_of(curve: Curve) -> str:
    """Of a gradient that vanishes on its way to the first layer: the end of a sentence."""
    if not vanishes(curve):
        return ""
    if curve.first_layer_gradient_norm is None:
        assert curve.gradient_norm is not None
        return f"; the gradient vanishes, its norm is {np.median(curve.gradient_norm):.1g}"
    return f"; the gradient vanishes, {_first_layers_share(curve):.1%} of it is left in the first layer"


def _first_layers_share(curve: Curve) -> float:
    assert curve.gradient_norm is not None
    assert curve.first_layer_gradient_norm is not None
    whole = np.maximum(curve.gradient_norm, np.finfo(np.float64).tiny)
    return float(np.median(curve.first_layer_gradient_norm / whole))


def signals_of(curve: Curve) -> dict[str, float]:
    """The latest of what was recorded besides losses and scores."""
    named = {
        "gradient_norm": curve.gradient_norm,
        "first_layer_gradient_norm": curve.first_layer_gradient_norm,
        "dead_share": curve.dead_share,
        "saturated_share": curve.saturated_share,
    }
    return {name: float(values[-1]) for name, values in named.items() if values is not None}


def sampling_error_of(curve: Curve) -> float:
    """How far a score may be off because so few rows are scored; the rows are told, or seen in the scores' steps."""
    return float(np.median(curve.score_error)) or error_of_steps(curve)


def error_of_steps(curve: Curve) -> float:
    """The sampling error of shares whose rows are not told, by the step that all are multiples of; 0 without one.

    Only whole rows can be right or wrong: the least n of which all scores are multiples of 1/n is the number of rows,
    or a part of it. A power of ten is not taken for rows, because rounded scores look the same.
    """
    if curve.ceiling not in (0.0, 1.0, 100.0):
        return 0.0
    scores = np.abs(curve.valid_score)
    unit = 1.0 if scores.max() <= 1 else 100.0
    shares = np.unique(scores) / unit
    rows = _rows_of(shares) if len(shares) >= 5 and shares[-1] <= 1 else 0
    if not rows or math.log10(rows).is_integer():
        return 0.0
    share = float(np.median(shares))
    return unit * math.sqrt(share * (1 - share) / rows)


def _rows_of(shares: FloatArray) -> int:
    """The least n, up to MOST_ROWS, of which all are multiples of 1/n but for rounding; 0 where there is none."""
    left = np.arange(10, MOST_ROWS + 1)
    for share in shares:
        left = left[np.abs(share * left - np.round(share * left)) < 1e-4 + 1e-6 * left]
        if not len(left):
            return 0
    return int(left[0])
