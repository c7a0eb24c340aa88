"""Labels runs that broke down: their losses are not finite or have exploded, or their score has collapsed."""

from __future__ import annotations

import math

import numpy as np

from sweeps.diagnosis.diagnosis import GUARDS, LOWER_RATE, STEADIER, Diagnosis, from_stop
from sweeps.diagnosis.unlearnt import barely_learnt
from sweeps.pruning import breakdown, signals
from sweeps.pruning.learning_curve import Curve, IntArray
from sweeps.trial.metric import Metric


def not_finite(curve: Curve, budget: int) -> Diagnosis | None:
    """The label `diverged`, at the first round at which a training loss is not finite, or validation losses stay so."""
    suspects = (
        ~np.isfinite(curve.train_loss) if curve.has_train_loss else np.zeros(len(curve), dtype=np.bool_)
    )
    suspects = suspects & curve.train_measured | ~np.isfinite(curve.valid_loss) & curve.valid_measured
    if curve.running_loss is not None:
        suspects = suspects | ~np.isfinite(curve.running_loss)
    for position in _worth_a_look(np.flatnonzero(suspects)):
        stop = breakdown.diverged(curve.until(int(position) + 1), budget, GUARDS)
        if stop is not None:
            return from_stop(stop, f"{LOWER_RATE} A logarithm of 0 in your own loss has the same effect.")
    return None


def _worth_a_look(positions: IntArray, most: int = 1000) -> IntArray:
    """The positions; if there are more than `most`, the first `most`, evenly spaced ones, and the last."""
    if len(positions) <= most:
        return positions
    return np.concatenate([positions[:most], positions[:: len(positions) // most], positions[-1:]])


def exploded(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `diverged`, if the training loss has risen above its first value by more than it ever fell below it."""
    stop = breakdown.exploded(curve, budget, metric, GUARDS)
    return None if stop is None else from_stop(stop, LOWER_RATE)


def collapsed(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `collapsed`: more than half of the score's gain is lost, or more than a quarter for a longer time."""
    if math.isnan(curve.chance) and barely_learnt(curve, budget, metric) is not None:
        return None
    stop = breakdown.collapsed(curve, budget, metric, GUARDS) or breakdown.fallen(
        curve, metric, lasting=max(3, round(0.2 * budget)), share_lost=0.25
    )  # the second would be too little to halt a trial
    if stop is None:
        return None
    if signals.worst_share(curve) >= 0.25:
        advice = (
            "Units die: scale the initial weights (weight_init: he), take an activation that always has a slope "
            "(leaky_relu, elu), a larger batch_size or a lower learning_rate. Clipping does not help with adam."
        )
    else:
        advice = STEADIER
    return from_stop(stop, advice)
