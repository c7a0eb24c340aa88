"""What counts as much and as little in a score, told from the curve itself, whatever its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweeps.pruning.curves import Numbers, jitter_of, moving_average, noise_of, smoothing_window
from sweeps.pruning.learning_curve import Curve, FloatArray

NO_GAIN = 0.005  # of what a score has gained so far: half a point where it goes from 0 to 1
CLOSE_TO_CEILING = 0.05  # of what is left up to it: near it little is much
POINTS_AT_CHANCE = 5  # above chance, below which nothing counts as learnt
TOLERANCES_AT_CHANCE = 3  # of its noise, up to as much again
CHANCE_IS_BELOW = 0.6  # where chance is not told, a share from here on is taken for learnt


@dataclass(frozen=True)
class Scale:
    """start: the score that learning starts from: the curve's floor, else its first.

    gain: of the smoothed score over that. tolerance: standard deviation of the smoothed score's noise. little: what the
    score may rise without having gained.
    """

    start: float
    gain: float
    tolerance: float
    little: float


def scale_of(curve: Curve, budget: int) -> Scale:
    """Of a curve of at least one look."""
    window = smoothing_window(budget)
    best = float(moving_average(curve.valid_score, window).max())
    start = float(curve.valid_score[0]) if math.isnan(curve.floor) else curve.floor
    gain = max(0.0, best - start)
    tolerance = jitter_of(curve.valid_score) / math.sqrt(window)
    negligible = min(NO_GAIN * gain, max(0.0, CLOSE_TO_CEILING * (curve.ceiling - best)))
    return Scale(start, gain, tolerance, max(negligible, tolerance))


def is_share(curve: Curve) -> bool:
    """Whether scores are shares or per cent, of which the best is known."""
    return curve.ceiling in (1.0, 100.0)


def point_of(curve: Curve, gain: float) -> float:
    """A hundredth of the way from the floor to the ceiling, where both are known; else of what was gained."""
    reach = curve.ceiling - curve.floor
    return 0.01 * (reach if math.isfinite(reach) else gain)


def start_of(scores: Numbers, floor: float) -> float:
    """The floor, or where that is unknown the first score."""
    return float(scores[0]) if math.isnan(floor) else floor


def least_gain(scores: Numbers) -> float:
    """What a score has to gain to have something that can be lost: six times its noise."""
    return 6 * noise_of(scores)


def margin_of_chance(curve: Curve, budget: int) -> float:
    """How far above chance a score may lie without telling that anything was learnt.

    Five points of the way from chance to the ceiling, but no more than half of chance itself (one of 100 classes lies
    at .01); or what the noise from round to round may make of chance, where that is more. The rows behind a score don't
    count: whether they are told changes no halt.
    """
    window = smoothing_window(budget)
    reach = curve.ceiling - curve.chance
    points = 0.01 * POINTS_AT_CHANCE * (reach if math.isfinite(reach) else abs(curve.chance))
    if curve.chance > 0:
        points = min(points, 0.5 * curve.chance)
    noise = TOLERANCES_AT_CHANCE * jitter_of(curve.valid_score) / math.sqrt(window)
    return max(points, min(noise, 2 * points) if points > 0 else noise)


def is_at_chance(curve: Curve, budget: int, *, errors: float = 0.0) -> bool:
    """Whether no score but one was ever better than chance by more than that margin, in training and in validation.

    errors: by how many sampling errors of a score it must be better, too, where the rows are told.
    """
    margin = max(margin_of_chance(curve, budget), errors * float(np.median(curve.score_error)))
    return all(second_best(scores) < curve.chance + margin for scores in scores_of(curve))


def may_be_at_chance(curve: Curve, budget: int) -> bool:
    """Whether the scores are those of chance; where that is not told, whether they may be.

    That is: they have never gained five points (six times their noise, where they are no shares) over the first, and
    are not so high that something must have been learnt.
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
    """By how much a score must beat the first to have learnt something, where chance is not told."""
    return 0.01 * POINTS_AT_CHANCE * curve.ceiling if is_share(curve) else least_gain(scores)


def scores_of(curve: Curve) -> list[FloatArray]:
    """Of validation, and of training where they were recorded."""
    return [curve.valid_score, curve.train_score] if curve.has_train_score else [curve.valid_score]


def first_of(scores: Numbers, budget: int) -> float:
    """The median of the first few scores."""
    return float(np.median(np.asarray(scores, dtype=np.float64)[: smoothing_window(budget)]))


def second_best(scores: Numbers) -> float:
    """The second-best score: one alone may be luck."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    return float(ordered[-2] if len(ordered) > 1 else ordered[-1])
