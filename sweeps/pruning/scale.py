"""Decides from the curve itself which changes of a score are large and which are small, whatever the score's unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweeps.pruning.curves import Numbers, jitter_of, moving_average, noise_of, smoothing_window
from sweeps.pruning.learning_curve import Curve, FloatArray

NO_GAIN = 0.005  # a smaller share of the gain so far is no gain: half a point for a score from 0 to 1
CLOSE_TO_CEILING = 0.05  # nor is one below this share of the distance to the best possible score
POINTS_AT_CHANCE = 5  # a score must exceed chance by so many points to show that something was learnt
TOLERANCES_AT_CHANCE = 3  # or by so many standard deviations of its smoothed noise, if that is more
CHANCE_IS_BELOW = 0.6  # if chance is not known, a fraction from here on shows that something was learnt


@dataclass(frozen=True)
class Scale:
    """The scale of a curve's score.

    start: the score from which learning starts: the curve's floor, else its first score. gain: the largest gain of the
    smoothed score over `start`. tolerance: standard deviation of the smoothed score's noise. little: a rise up to this
    size does not count as a gain.
    """

    start: float
    gain: float
    tolerance: float
    little: float


def scale_of(curve: Curve, budget: int) -> Scale:
    """The scale of a curve with at least one look."""
    window = smoothing_window(budget)
    best = float(moving_average(curve.valid_score, window).max())
    start = float(curve.valid_score[0]) if math.isnan(curve.floor) else curve.floor
    gain = max(0.0, best - start)
    tolerance = jitter_of(curve.valid_score) / math.sqrt(window)
    negligible = min(NO_GAIN * gain, max(0.0, CLOSE_TO_CEILING * (curve.ceiling - best)))
    return Scale(start, gain, tolerance, max(negligible, tolerance))


def is_share(curve: Curve) -> bool:
    """Whether scores are fractions or percentages, so that the best possible score is 1 or 100."""
    return curve.ceiling in (1.0, 100.0)


def point_of(curve: Curve, gain: float) -> float:
    """The size of a point: a hundredth of the way from floor to ceiling if both are known; else of `gain`."""
    reach = curve.ceiling - curve.floor
    return 0.01 * (reach if math.isfinite(reach) else gain)


def start_of(scores: Numbers, floor: float) -> float:
    """The floor or, if it is not known, the first score."""
    return float(scores[0]) if math.isnan(floor) else floor


def least_gain(scores: Numbers) -> float:
    """The least gain of a score that can be lost in a collapse: six times its noise."""
    return 6 * noise_of(scores)


def margin_of_chance(curve: Curve, budget: int) -> float:
    """How far above chance a score may lie without showing that anything was learnt.

    It is five points of the way from chance to the ceiling, but at most half of chance itself (for 100 classes, chance
    is 0.01); or three standard deviations of the smoothed noise, if that is more, up to twice the former. The number of
    validation rows is not used, so that no halt depends on whether it is known.
    """
    window = smoothing_window(budget)
    reach = curve.ceiling - curve.chance
    points = 0.01 * POINTS_AT_CHANCE * (reach if math.isfinite(reach) else abs(curve.chance))
    if curve.chance > 0:
        points = min(points, 0.5 * curve.chance)
    noise = TOLERANCES_AT_CHANCE * jitter_of(curve.valid_score) / math.sqrt(window)
    return max(points, min(noise, 2 * points) if points > 0 else noise)


def is_at_chance(curve: Curve, budget: int, *, errors: float = 0.0) -> bool:
    """Whether at most one score was ever better than chance by `margin_of_chance`, in training and in validation each.

    errors: the margin is at least so many sampling errors of a score, if the number of rows is known.
    """
    margin = max(margin_of_chance(curve, budget), errors * float(np.median(curve.score_error)))
    return all(second_best(scores) < curve.chance + margin for scores in scores_of(curve))


def may_be_at_chance(curve: Curve, budget: int) -> bool:
    """Whether the scores are at chance; if chance is not known, whether they may be.

    They may be if they have never gained five points over the first (six times their noise, if they are not fractions
    or percentages), and are not so high that something must have been learnt.
    """
    if not math.isnan(curve.chance):
        return is_at_chance(curve, budget)
    if is_share(curve) and float(np.median(curve.valid_score)) >= CHANCE_IS_BELOW * curve.ceiling:
        return False
    return not any(
        second_best(scores) - first_of(scores, budget) >= least_learnt(curve, scores)
        for scores in scores_of(curve)
    )


def least_learnt(curve: Curve, scores: Numbers) -> float:
    """By how much a score must exceed the first one to show that something was learnt, if chance is not known."""
    return 0.01 * POINTS_AT_CHANCE * curve.ceiling if is_share(curve) else least_gain(scores)


def scores_of(curve: Curve) -> list[FloatArray]:
    """The validation scores, and the training scores if they were recorded."""
    return [curve.valid_score, curve.train_score] if curve.has_train_score else [curve.valid_score]


def first_of(scores: Numbers, budget: int) -> float:
    """The median of the first few scores."""
    return float(np.median(np.asarray(scores, dtype=np.float64)[: smoothing_window(budget)]))


def second_best(scores: Numbers) -> float:
    """The second-best score, because the best one may be luck."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    return float(ordered[-2] if len(ordered) > 1 else ordered[-1])
