"""Reads the figures besides losses and scores: dead units, a vanishing gradient, stale statistics of batch norm."""

from __future__ import annotations

import math

import numpy as np

from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.scale import point_of

# The first layer's share of the gradient's norm is 0.09 or more in our networks that learn; it is 0.002 in a run on
# food101 that is dead from the start.
VANISHING_SHARE = 0.01
MOST_ROWS = 20_000  # the largest validation split whose size is guessed from the steps between scores
VANISHING = 1e-3  # a whole gradient with a smaller norm vanishes, if the first layer's norm is not recorded


def is_stale(curve: Curve) -> bool:
    """Whether batch norm's running statistics lag: with the batch's own statistics, the score is two points better."""
    if curve.batch_statistics_score is None:
        return False
    return float(curve.batch_statistics_score[-1] - curve.valid_score[-1]) > two_points(curve)


def least_lag(curve: Curve) -> float:
    """By how much the score with the batch's own statistics must be better for the label `stale_statistics`.

    Two points, and three sampling errors of the score, whichever is more.
    """
    return max(two_points(curve), 3 * float(np.median(curve.score_error)))


def two_points(curve: Curve) -> float:
    """Two points: two hundredths of the way from floor to ceiling or, if one is not known, of the score's gain."""
    best = float(np.nanmax(curve.train_score if curve.has_train_score else curve.valid_score))
    gain = best - (float(curve.valid_score[0]) if np.isnan(curve.floor) else curve.floor)
    return 2 * point_of(curve, gain)


def worst_share(curve: Curve) -> float:
    """The latest share of dead or of saturated units, whichever is larger; 0 if neither is recorded."""
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
    """The end of a sentence that tells how many units are dead or saturated; empty if they are few."""
    for word, shares in (("dead", curve.dead_share), ("saturated", curve.saturated_share)):
        if shares is not None and shares[-1] >= 0.25:
            return f"; {shares[-1]:.0%} of the units of a layer are {word}"
    return ""


def vanishes(curve: Curve) -> bool:
    """Whether almost no gradient reaches the first layer; if its norm is not recorded, whether the whole is near 0."""
    if curve.gradient_norm is None:
        return False
    if curve.first_layer_gradient_norm is None:
        return float(np.median(curve.gradient_norm)) < VANISHING
    return _first_layers_share(curve) < VANISHING_SHARE


def gradient_of(curve: Curve) -> str:
    """The end of a sentence that tells how small a vanishing gradient is; empty if it does not vanish."""
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
    """The latest values of the recorded gradient norms and shares of dead and saturated units, by name."""
    named = {
        "gradient_norm": curve.gradient_norm,
        "first_layer_gradient_norm": curve.first_layer_gradient_norm,
        "dead_share": curve.dead_share,
        "saturated_share": curve.saturated_share,
    }
    return {name: float(values[-1]) for name, values in named.items() if values is not None}


def sampling_error_of(curve: Curve) -> float:
    """The sampling error of a score, from the number of rows if it is known, else from the steps between scores."""
    return float(np.median(curve.score_error)) or error_of_steps(curve)


def error_of_steps(curve: Curve) -> float:
    """The sampling error of fractions or percentages whose number of rows is not known; 0 if it can't be guessed.

    The number of right rows is whole. So the smallest n for which all scores are multiples of 1/n is the number of
    rows, or a divisor of it. A power of ten is not accepted, because rounded scores look the same.
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
    """The smallest n up to MOST_ROWS for which all shares are multiples of 1/n, up to rounding; 0 if there is none."""
    left = np.arange(10, MOST_ROWS + 1)
    for share in shares:
        left = left[np.abs(share * left - np.round(share * left)) < 1e-4 + 1e-6 * left]
        if not len(left):
            return 0
    return int(left[0])
