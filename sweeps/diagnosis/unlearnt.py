"""The label of runs that have learnt nothing: their figures do not improve, or their scores have not left chance."""

from __future__ import annotations

import math
import re

import numpy as np

from sweeps.diagnosis.diagnosis import FEWEST_ROUNDS, GUARDS, Diagnosis, from_stop
from sweeps.pruning import progress, signals, standstill
from sweeps.pruning.curves import mann_kendall_z, noise_of
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.scale import (
    CHANCE_IS_BELOW,
    first_of,
    is_at_chance,
    is_share,
    may_be_at_chance,
    scores_of,
    second_best,
)
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

LOW_SHARE = 0.35  # if chance is not known, a higher fraction is not taken for it
LEAST_FALL = 0.05  # an error that has fallen by a smaller share shows that nothing was learnt
RATES = re.compile(r"error.?rate|(^|_)(wer|cer|per|err)$|top.?\d", re.IGNORECASE)
POINTS_OF_A_SLOW_LEARNER = 3  # a score that has gained more in a steady climb shows slow learning
CERTAIN_Z = 3.0  # the Mann-Kendall statistic of a trend that rules out `not_learning`


def not_learning(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `not_learning`: there is no trend, or the score is still at chance."""
    stop = standstill.nothing_learnt(curve, budget, metric, GUARDS, significance_z=CERTAIN_Z) or _at_chance(
        curve, budget, metric
    )
    if stop is None:
        return None
    losses = curve.train_loss if curve.has_train_loss else curve.valid_loss
    if signals.worst_share(curve) >= 0.9:
        advice = (
            "The units were dead from the start: lower learning_rate, and scale the input and the weights."
        )
    elif signals.vanishes(curve):
        advice = "Weights that keep the gradient's size (weight_init: he), batch_norm, or pretrained weights."
    elif float(losses.max() - losses.min()) > 20 * noise_of(losses) > 0:
        advice = "The loss moves and nothing is learnt: lower learning_rate, and look at input and targets."
    else:
        advice = "The loss hardly moves: raise learning_rate by a factor of 10, or look at input and targets."
    return from_stop(stop, advice)


def _at_chance(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """The stop for a score that has not left chance, whatever the loss does; None if it has."""
    if math.isnan(curve.chance):
        return barely_learnt(curve, budget, metric)
    if len(curve) < max(3, math.ceil(GUARDS.not_learning * budget)):
        return None
    if not is_at_chance(curve, budget, errors=2):
        return None
    best = metric.oriented(float(curve.valid_score[curve.best]))
    evidence = {
        "best_valid_score": best,
        "chance": metric.oriented(curve.chance),
        **signals.signals_of(curve),
    }
    because = f"{metric.name} has been {best:.4g} at best, and chance is {metric.oriented(curve.chance):.4g}"
    said = because + signals.units_of(curve) + signals.gradient_of(curve)
    return Stop("not_learning", int(curve.ends[-1]), evidence, said)


def barely_learnt(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """The stop for a score that has hardly improved, if chance is not known; else None.

    Fractions and percentages have hardly improved if they are low and have gained less than five points; errors, if
    they have fallen by less than a twentieth of their first value: five points of the way to 0.
    """
    if len(curve) < max(FEWEST_ROUNDS, math.ceil(GUARDS.not_learning * budget)):
        return None
    if len(curve) < 6 and not progress.goes_nowhere(curve, budget) and not _moves_little(curve):
        return None
    if is_share(curve):
        is_low = all(float(np.median(scores)) <= LOW_SHARE * curve.ceiling for scores in scores_of(curve))
        if not is_low or not may_be_at_chance(curve, budget) or _learns_slowly(curve, budget):
            return None
    elif curve.ceiling != 0 or _is_low_rate(curve, metric) or not _has_hardly_fallen(curve, budget):
        return None
    first, best = (
        metric.oriented(float(score)) for score in (curve.valid_score[0], curve.valid_score[curve.best])
    )
    evidence = {"first_valid_score": first, "best_valid_score": best, **signals.signals_of(curve)}
    because = f"{metric.name} was {first:.4g} at first and {best:.4g} at best"
    said = because + signals.units_of(curve) + signals.gradient_of(curve)
    return Stop("not_learning", int(curve.ends[-1]), evidence, said)


def _moves_little(curve: Curve) -> bool:
    """Whether no score of a short curve has exceeded the first one by a point."""
    return all(float(scores.max() - scores[0]) < 0.01 * curve.ceiling for scores in scores_of(curve))


def _learns_slowly(curve: Curve, budget: int) -> bool:
    """Whether all scores have gained three points and, in the second half, still climb with a certain trend."""
    half = len(curve) // 2
    return all(
        second_best(scores) - first_of(scores, budget) > 0.01 * POINTS_OF_A_SLOW_LEARNER * curve.ceiling
        and mann_kendall_z(scores[half:]) > CERTAIN_Z
        for scores in scores_of(curve)
    )


def _is_low_rate(curve: Curve, metric: Metric) -> bool:
    """Whether the score is an error rate, by its name, and so low that something must have been learnt."""
    error = float(np.median(-curve.valid_score))
    unit = 1.0 if error <= 1 else 100.0
    return RATES.search(metric.name) is not None and error <= (1 - CHANCE_IS_BELOW) * unit


def _has_hardly_fallen(curve: Curve, budget: int) -> bool:
    """Whether errors have fallen by less than LEAST_FALL, in training and in validation. Scores are minus errors."""
    return all(
        second_best(scores) < (1 - LEAST_FALL) * min(scores[0], first_of(scores, budget))
        for scores in scores_of(curve)
    )
