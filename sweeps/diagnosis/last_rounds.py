"""Labels that depend on how a curve ends: it jumps up and down, still improves, or stands still."""

from __future__ import annotations

import math

import numpy as np

from sweeps.diagnosis.diagnosis import GUARDS, STEADIER, Diagnosis
from sweeps.pruning import signals
from sweeps.pruning.curves import (
    has_stalled,
    moving_average,
    path_excess,
    reached,
    share_of_fall,
    smoothing_window,
    without_spikes,
)
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.scale import NO_GAIN, is_share, point_of, scale_of
from sweeps.pruning.wording import apart, of_validation, since_round
from sweeps.trial.metric import Metric

SHORT = 1 / 3  # the share of the budget that suffices for a plateau if the loss is past its minimum, too
VISIBLE = 0.03  # if the best possible score is not known, a smaller share of the gain so far may be luck
CLIMBS = 2.0  # a score that gains more than twice its bounce in the last quarter is unfinished


def bouncing(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `bouncing`: in the curve's second half, the score changes by more than noise from round to round."""
    half = slice(len(curve) // 2, None)
    if len(curve) < 6:
        return None
    gain = scale_of(curve, budget).gain
    point = point_of(curve, gain) if is_share(curve) else max(point_of(curve, gain), VISIBLE * gain / 1.5)
    valid = path_excess(without_spikes(curve.valid_score[half]))
    error = signals.sampling_error_of(curve)
    if not valid > max(1.5 * point, 1.2 * error):
        return None
    training = curve.train_score if curve.has_train_score else -curve.train_loss
    if curve.has_train_score and not path_excess(without_spikes(training[half])) > 1.25 * point:
        return None
    if len(curve) >= budget and _gain_of_the_last_quarter(curve, budget) > CLIMBS * valid:
        return None
    said = f"{of_validation(metric.name)} changes by {valid:.2g} from round to round"
    evidence = {"valid_path_excess": valid}
    if curve.has_train_score:
        evidence["train_path_excess"] = path_excess(without_spikes(training[half]))
    return Diagnosis("bouncing", evidence, said, STEADIER)


def unfinished(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `unfinished`: score or validation loss of a complete curve still improved in the last quarter."""
    if len(curve) < max(4, budget):
        return None
    before = int(0.75 * len(curve))
    window = smoothing_window(budget)
    losses = moving_average(curve.valid_loss, window)
    gain = _gain_of_the_last_quarter(curve, budget)
    scale = scale_of(curve, budget)
    error = signals.sampling_error_of(curve) / math.sqrt(window)
    least = 0.006 if error else VISIBLE
    is_climbing = gain > max(least * scale.gain, 2 * scale.tolerance, 2 * error)
    early = _early(len(curve))
    is_falling = (
        share_of_fall(losses, before, early) > 0.05
        and share_of_fall(losses, (before + len(curve)) // 2, early) > 0
    )
    if not (is_climbing or is_falling):
        return None
    evidence = {
        "gain_of_the_last_quarter": gain,
        "valid_loss_before": float(losses[:before].min()),
        "valid_loss": float(losses[-1]),
    }
    if is_climbing:
        moving = f"{metric.name} {'gained' if metric.direction == 'maximize' else 'fell by'} {gain:.2g}"
    else:
        first, last = apart(evidence["valid_loss_before"], evidence["valid_loss"])
        moving = f"validation loss fell from {first} to {last}"
    because = f"in the last quarter of the budget {moving}"
    more = 2 * max(len(curve), int(curve.numbers[-1]))
    return Diagnosis(
        "unfinished", evidence, because, f"More rounds (--rounds {more}), or a higher learning_rate."
    )


def _gain_of_the_last_quarter(curve: Curve, budget: int) -> float:
    """By how much the last smoothed score exceeds the best one of the first three quarters of the curve."""
    scores = moving_average(curve.valid_score, smoothing_window(budget))
    return float(scores[-1] - scores[: int(0.75 * len(curve))].max())


def _early(length: int) -> int:
    """How many rounds at the start are ignored when the fall of the loss is measured."""
    return length // 10


def plateau(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `plateau`: the score has gained no more than noise for half of the budget.

    A third of the budget suffices if the validation loss has not fallen in this time either.
    """
    scale, now = scale_of(curve, budget), len(curve) - 1
    little = scale.little if is_share(curve) else max(scale.little, VISIBLE * scale.gain)
    since = reached(curve.valid_score, budget=budget, negligible=max(little, 2 * scale.tolerance))
    losses = moving_average(curve.valid_loss, smoothing_window(budget))
    half = max(1, len(curve) // 2)
    is_long = has_stalled(since, now, budget=budget, guard=0.75)
    is_flat = has_stalled(since, now, budget=budget, guard=GUARDS.plateau) and (
        is_long or share_of_fall(losses, half, _early(len(curve))) < (0.02 if is_share(curve) else 0.045)
    )
    lowest = int(np.argmin(losses))
    if not is_flat and lowest > _early(len(curve)) and has_stalled(lowest, now, budget=budget, guard=SHORT):
        half_a_point = NO_GAIN / 0.01 * point_of(curve, scale.gain)
        since = reached(curve.valid_score, budget=budget, negligible=max(scale.little, half_a_point))
        is_flat = has_stalled(since, now, budget=budget, guard=SHORT)
    if not is_flat:
        return None
    evidence = {
        "no_gain_since_round": int(curve.numbers[since]),
        "best_round": int(curve.numbers[curve.best]),
        **signals.signals_of(curve),
    }
    because = f"{metric.name} has gained no more than noise {since_round(curve, since)}" + signals.units_of(
        curve
    )
    if signals.worst_share(curve) >= 0.5:
        advice = "Many units do nothing: lower learning_rate, scale the initial weights, or take leaky_relu."
    else:
        advice = "It has converged: fewer rounds do, or another capacity or learning_rate."
    return Diagnosis("plateau", evidence, because, advice)
