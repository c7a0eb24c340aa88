"""Finds trials that stand still: they have learnt nothing, or have gained nothing for long."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sweeps.pruning.curves import (
    SIGNIFICANT_Z,
    has_stalled,
    is_steady,
    moving_average,
    rises,
    smoothing_window,
)
from sweeps.pruning.guards import Evidence, Guards
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.progress import goes_nowhere, is_under_way, reached_by, still_climbs
from sweeps.pruning.scale import (
    may_be_at_chance,
)
from sweeps.pruning.signals import gradient_of, is_stale, signals_of, units_of, worst_share
from sweeps.pruning.wording import since_round
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

FEWEST_FOR_A_TREND = 6  # rounds; the trend is measured without the first one


def not_learning(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Halts if the scores are at chance, and training does not improve or the units are dead.

    The learning rate must have been steady.
    """
    return nothing_learnt(curve, budget, metric, guards)


def nothing_learnt(
    curve: Curve, budget: int, metric: Metric, guards: Guards, *, significance_z: float = SIGNIFICANT_Z
) -> Stop | None:
    """As `not_learning`. significance_z: a trend with a larger z counts as an improvement."""
    if len(curve) < max(FEWEST_FOR_A_TREND, math.ceil(guards.not_learning * budget)):
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.not_learning) or is_stale(curve):
        return None
    if not may_be_at_chance(curve, budget):
        return None
    is_dead = not math.isnan(curve.chance) and worst_share(curve) >= 0.95 and not rises(curve.train_score)
    if not is_dead and not goes_nowhere(curve, budget, significance_z=significance_z):
        return None
    losses = curve.train_loss if curve.has_train_loss else curve.valid_loss
    spoken = "training loss" if curve.has_train_loss else "validation loss"
    evidence: Evidence = {
        "train_loss_first": float(losses[0]),
        "train_loss": float(losses[-1]),
        "best_valid_score": metric.oriented(float(curve.valid_score[curve.best])),
        **signals_of(curve),
    }
    because = f"after {int(curve.ends[-1])} rounds {spoken} is {losses[-1]:.3g}"
    because += f", and {metric.name} that of chance" if is_dead else " and has not fallen"
    return Stop("not_learning", int(curve.ends[-1]), evidence, because + units_of(curve) + gradient_of(curve))


def _first_lowest(values: NDArray[np.float64]) -> int:
    """The first position of the lowest value. Values that differ by rounding only (a constant loss) count as equal."""
    lowest = values.min()
    if not np.isfinite(values).all():
        return int(np.argmin(values))
    return int(np.argmax(values <= lowest + 1e-9 * (values.max() - lowest)))


def plateau(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Halts if neither the score nor the validation loss has improved for long, at a steady learning rate."""
    since = reached_by(curve, budget)
    if not has_stalled(since, len(curve) - 1, budget=budget, guard=guards.plateau):
        return None
    smooth = moving_average(curve.valid_loss, smoothing_window(budget))
    lowest = _first_lowest(smooth)
    if not has_stalled(lowest, len(curve) - 1, budget=budget, guard=0.1):
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.not_learning) or is_stale(curve):
        return None
    if still_climbs(curve, budget) or is_under_way(curve, budget, math.ceil(guards.plateau * budget)):
        return None
    evidence: Evidence = {
        "no_gain_since_round": int(curve.numbers[since]),
        "lowest_valid_loss_round": int(curve.numbers[lowest]),
        "best_round": int(curve.numbers[curve.best]),
        **signals_of(curve),
    }
    because = f"{metric.name} has gained no more than noise {since_round(curve, since)}"
    if not curve.score_is_loss and not curve.loss_is_score:
        because += f", and validation loss has not fallen {since_round(curve, lowest)}"
    return Stop("plateau", int(curve.ends[-1]), evidence, because + units_of(curve))
