"""Labels for validation figures that got worse: overfitting, overconfidence, stale statistics of batch norm."""

from __future__ import annotations

import numpy as np

from sweeps.diagnosis.diagnosis import FEWEST_ROUNDS, GUARDS, LESS_CAPACITY, Diagnosis, from_stop
from sweeps.pruning import overfitting, signals
from sweeps.pruning.curves import (
    lasting_rise,
    loss_turn,
    moving_average,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.scale import scale_of
from sweeps.pruning.wording import apart, of_validation, since_round
from sweeps.trial.metric import Metric

MUCH = 0.25  # in a very short curve, validation loss must rise by more than this share of the fall of training loss
RISE = 0.03  # the least rise of the validation loss, as a share of the range of the losses, if the trend is certain
CLEAR_RISE = 0.07  # the same if the trend is only likely
CERTAIN_Z, LIKELY_Z = 4.2, 1.96  # the Mann-Kendall statistic of a certain and of a likely trend


def stale(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label `stale_statistics`: the score is much better with the batch's own statistics of batch norm."""
    if curve.batch_statistics_score is None:
        return None
    lag = (curve.batch_statistics_score - curve.valid_score)[-max(3, len(curve) // 4) :]
    if not float(np.median(lag)) > signals.least_lag(curve):
        return None
    running = metric.oriented(float(np.median(curve.valid_score[-len(lag) :])))
    own = metric.oriented(float(np.median(curve.batch_statistics_score[-len(lag) :])))
    return Diagnosis(
        "stale_statistics",
        {"valid_score": running, "valid_score_batch_statistics": own, "lag": float(np.median(lag))},
        f"{of_validation(metric.name)} is {running:.4g} with batch norm's running statistics and {own:.4g} with the "
        "batch's own: the same weights are better than they look",
        "Raise bn_momentum (the weight of the new batch; 0.1 is usual), or re-estimate the running statistics.",
    )


def turned(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label of a curve whose validation loss has turned from falling to rising.

    `overfitting` if the score has gained nothing for long; `overconfident` if it has improved after the turn.
    """
    losses = overfitting.training_of(curve), curve.valid_loss
    is_whole = len(curve) >= budget  # a halted trial had no time to show more than the signs of its halt
    turn = (
        loss_turn(*losses, budget=budget, rise=RISE, significance_z=CERTAIN_Z if is_whole else LIKELY_Z)
        or loss_turn(*losses, budget=budget, rise=CLEAR_RISE, significance_z=LIKELY_Z)
        or lasting_rise(*losses, budget=budget)
    )
    if turn is None:
        return None
    stop = overfitting.overfitting_since(turn, curve, budget, metric, GUARDS)
    if stop is not None:
        return from_stop(stop, LESS_CAPACITY)
    then = turn.position
    gained = float(
        curve.valid_score[curve.best] - moving_average(curve.valid_score, smoothing_window(budget))[then]
    )
    if curve.score_is_loss or curve.loss_is_score or curve.best <= then + 1:
        return None
    if gained <= scale_of(curve, budget).little:
        return None
    evidence = {
        "onset_round": int(curve.numbers[then]),
        "valid_loss_then": turn.lowest,
        "valid_loss": turn.latest,
        "trend_z": turn.trend_z,
        "best_round": int(curve.numbers[curve.best]),
    }
    first, last = apart(turn.lowest, turn.latest)
    because = (
        f"validation loss has risen from {first} to {last} {since_round(curve, then)}, but {metric.name} had its best "
        f"after that, in round {int(curve.numbers[curve.best])}"
    )
    advice = "No reason to halt. Where probabilities matter: weight_decay, dropout, or fewer rounds."
    return Diagnosis("overconfident", evidence, because, advice)


def short(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """The label of a complete curve that is too short for a significant trend: `overfitting` or `unfinished`."""
    if len(curve) < budget or len(curve) >= FEWEST_ROUNDS:
        return None
    number = int(curve.numbers[curve.best])
    if _turned_at_once(curve):
        first, last = apart(float(curve.valid_loss.min()), float(curve.valid_loss[-1]))
        evidence = {
            "valid_loss_then": float(curve.valid_loss.min()),
            "valid_loss": float(curve.valid_loss[-1]),
        }
        because = (
            f"validation loss has risen from {first} to {last} while training loss fell; "
            f"{len(curve)} rounds tell no more"
        )
        return Diagnosis("overfitting", {**evidence, "best_round": number}, because, LESS_CAPACITY)
    few = "one round is" if len(curve) == 1 else f"{len(curve)} rounds are"
    because = f"{few} too few to tell a trend from noise; the best was round {number}"
    return Diagnosis(
        "unfinished", {"best_round": number}, because, f"More rounds (--rounds {2 * budget + 4})."
    )


def _turned_at_once(curve: Curve) -> bool:
    """Whether, in three rounds or more, validation loss never fell but rose far, while training loss always fell."""
    if len(curve) < 3 or not curve.has_train_loss or curve.best == len(curve) - 1:
        return False
    risen, fallen = np.diff(curve.valid_loss), -np.diff(curve.train_loss)
    if (risen < 0).any() or (fallen <= 0).any():
        return False
    return float(risen.sum()) > MUCH * float(fallen.sum())
