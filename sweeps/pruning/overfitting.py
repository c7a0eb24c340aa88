"""Finds overfitting: the validation loss rises while the training loss falls, and the score gains nothing more."""

from __future__ import annotations

import math

import numpy as np

from sweeps.pruning.curves import (
    Turn,
    has_stalled,
    loss_turn,
    moving_average,
    rises,
    smoothing_window,
)
from sweeps.pruning.guards import Evidence, Guards
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.progress import has_gained, reached_by, still_climbs
from sweeps.pruning.scale import (
    CHANCE_IS_BELOW,
    margin_of_chance,
)
from sweeps.pruning.signals import is_stale
from sweeps.pruning.wording import apart, since_round
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop


def overfitting(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Halts if the validation loss rises while the training loss falls, and the score has gained nothing for long."""
    turn = loss_turn(training_of(curve), curve.valid_loss, budget=budget)
    if turn is None or still_climbs(curve, budget) or not _has_learnt(curve, budget):
        return None
    return overfitting_since(turn, curve, budget, metric, guards)


def training_of(curve: Curve) -> FloatArray | None:
    """The training loss, or None if it was not recorded."""
    return curve.train_loss if curve.has_train_loss else None


def _has_learnt(curve: Curve, budget: int) -> bool:
    """Whether the training score is better than chance. A model that is still at chance there does not overfit."""
    if not curve.has_train_score or curve.score_is_loss:
        return True
    latest = float(np.median(curve.train_score[-max(3, len(curve) // 3) :]))
    if not math.isnan(curve.chance):
        return latest >= curve.chance + margin_of_chance(curve, budget)
    if curve.ceiling in (1.0, 100.0) and latest >= CHANCE_IS_BELOW * curve.ceiling:
        return True
    return rises(curve.train_score) or has_gained(curve.train_score, budget)


def overfitting_since(turn: Turn, curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Halts if the score has gained nothing for long. turn: where the validation loss has begun to rise."""
    since = reached_by(curve, budget)
    if not has_stalled(since, len(curve) - 1, budget=budget, guard=guards.overfitting) or is_stale(curve):
        return None
    then = turn.position
    sign = -1.0 if curve.loss_is_score else 1.0
    evidence: Evidence = {
        "onset_round": int(curve.numbers[then]),
        "valid_loss_then": sign * turn.lowest,
        "valid_loss": sign * turn.latest,
        "trend_z": turn.trend_z,
        "no_gain_since_round": int(curve.numbers[since]),
        "best_round": int(curve.numbers[curve.best]),
    }
    because = _risen(turn, curve, metric)
    if curve.has_train_loss:
        window = smoothing_window(budget)
        smooth = moving_average(curve.train_loss, window)
        evidence |= {"train_loss_then": float(smooth[then]), "train_loss": float(smooth[-1])}
        first, last = apart(float(smooth[then]), float(smooth[-1]))
        has_fallen = smooth[-1] < smooth[then]
        because += f" while training loss {f'fell from {first} to' if has_fallen else 'stayed at'} {last}"
    if not curve.score_is_loss and not curve.loss_is_score:
        because += f", and {metric.name} has gained no more than noise {since_round(curve, since)}"
    if not curve.has_train_loss:
        because += "; no training loss was recorded, so whether training still gains can't be told"
    return Stop("overfitting", int(curve.ends[-1]), evidence, because)


def _risen(turn: Turn, curve: Curve, metric: Metric) -> str:
    """In words: how the validation loss has risen since its minimum, or the score has got worse since its best."""
    if curve.loss_is_score:
        then, now = apart(metric.oriented(-turn.lowest), metric.oriented(-turn.latest))
        moved = "fallen" if metric.direction == "maximize" else "risen"
        return f"{metric.name} has {moved} from {then} to {now} {since_round(curve, turn.position)}"
    then, now = apart(turn.lowest, turn.latest)
    return f"validation loss has risen from {then} to {now} {since_round(curve, turn.position)}"
