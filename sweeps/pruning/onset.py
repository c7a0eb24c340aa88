"""The stop rule that looks at a trial alone: it halts where going on is not worth it, and says why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sweeps.pruning.curves import (
    SIGNIFICANT_Z,
    Turn,
    collapse_onset,
    goes_nowhere,
    has_stalled,
    is_at_chance,
    is_steady,
    is_under_way,
    loss_turn,
    mann_kendall_z,
    moving_average,
    reached,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.signals import gradient_of, is_stale, signals_of, units_died, units_of, worst_share
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

Evidence = dict[str, float | int | str]


@dataclass(frozen=True)
class Guards:
    """How long each rule waits, as shares of the budget.

    overfitting: without a gain in the score, once the loss has turned. plateau: without a gain in score or loss.
    not_learning: from the start. collapsed: below half of what was learnt; 3 rounds suffice where dead units tell.
    """

    overfitting: float = 0.2
    plateau: float = 0.5
    not_learning: float = 0.3
    collapsed: float = 0.1


class OnsetRule(StopRule):
    """Halts what is not finite, has collapsed, learns nothing, overfits past its best, or long stands still."""

    def __init__(self, watch: Watch, guards: Guards | None = None) -> None:
        super().__init__(watch)
        self._guards = guards or Guards()

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """Depends on the trial's own rounds only."""
        return verdict(curve, self.watch.budget, self.watch.metric, self._guards)


def verdict(curve: Curve, budget: int, metric: Metric, guards: Guards = Guards()) -> Stop | None:
    """Whether a trial with these rounds ends now, for which reason and on what evidence."""
    for judge in _JUDGES:
        stop = judge(curve, budget, metric, guards)
        if stop is not None:
            return stop
    return None


def diverged(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """A loss is not finite any more."""
    for spoken, losses in (
        ("the loss", curve.running_loss),
        ("training loss", curve.train_loss),
        ("validation loss", curve.valid_loss),
    ):
        if losses is not None and not math.isfinite(losses[-1]):
            evidence: Evidence = {spoken.replace(" ", "_"): repr(float(losses[-1])), **signals_of(curve)}
            return Stop(
                "diverged", len(curve), evidence, f"{spoken} is not finite any more ({float(losses[-1])})"
            )
    return None


def exploded(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Training loss has for a while been ten times its lowest and twice its first, and a third of the score is lost."""
    losses = curve.train_loss
    latest = losses[-max(3, round(guards.collapsed * budget)) :]
    if not (latest.min() > 10 * losses.min() and latest.min() > 2 * losses[0]):
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.collapsed):
        return None
    if not math.isnan(curve.floor):
        gained = float(curve.train_score.max()) - curve.floor
        if float(curve.train_score[-1]) - curve.floor > 0.67 * gained:
            return None
    evidence: Evidence = {
        "train_loss": float(losses[-1]),
        "lowest_train_loss": float(losses.min()),
        **signals_of(curve),
    }
    because = f"training loss rose from {losses.min():.3g} to {losses[-1]:.3g}"
    return Stop("diverged", len(curve), evidence, because)


def collapsed(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """More than half of what was learnt is lost, on training and on validation rows, and has been for a while."""
    if math.isnan(curve.floor):
        return None
    lasting = 3 if units_died(curve) else max(3, round(guards.collapsed * budget))
    onsets = [
        collapse_onset(scores, chance=curve.floor, lasting=lasting)
        for scores in (curve.train_score, curve.valid_score)
    ]
    if onsets[0] is None or onsets[1] is None or is_stale(curve):
        return None
    at = max(onsets[0], onsets[1])
    best = int(np.argmax(curve.train_score))
    then, now = metric.oriented(float(curve.train_score[best])), metric.oriented(float(curve.train_score[-1]))
    evidence: Evidence = {
        "onset_round": at + 1,
        "best_train_score": then,
        "train_score": now,
        "valid_score": metric.oriented(float(curve.valid_score[-1])),
        **signals_of(curve),
    }
    because = f"training {metric.name} fell from {then:.4g} to {now:.4g}, and validation with it"
    return Stop("collapsed", len(curve), evidence, because + units_of(curve))


def not_learning(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Scores are those of chance from the start, and the loss goes nowhere or the units are dead, at a steady rate."""
    if len(curve) < max(3, math.ceil(guards.not_learning * budget)):
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.not_learning) or is_stale(curve):
        return None
    if not math.isnan(curve.chance) and not is_at_chance(
        curve.train_score, curve.valid_score, curve.score_error, chance=curve.chance, budget=budget
    ):
        return None
    is_dead = not math.isnan(curve.chance) and worst_share(curve) >= 0.95 and not _climbs(curve)
    if not is_dead and not goes_nowhere(curve.train_loss, curve.train_score, budget=budget):
        return None
    evidence: Evidence = {
        "train_loss_first": float(curve.train_loss[0]),
        "train_loss": float(curve.train_loss[-1]),
        "best_valid_score": metric.oriented(float(curve.valid_score[curve.best])),
        **signals_of(curve),
    }
    because = f"after {len(curve)} rounds training loss is {curve.train_loss[-1]:.3g}"
    because += f", and {metric.name} that of chance" if is_dead else ", as in the first"
    return Stop("not_learning", len(curve), evidence, because + units_of(curve) + gradient_of(curve))


def overfitting(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Validation loss has turned while training loss falls, and the score has since stood still or fallen."""
    turn = loss_turn(curve.train_loss, curve.valid_loss, budget=budget)
    return None if turn is None else overfitting_since(turn, curve, budget, metric, guards)


def overfitting_since(turn: Turn, curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Overfitting where the loss is known to have turned: the score has since stood still or fallen."""
    since = reached_by(curve, budget)
    if not has_stalled(since, len(curve) - 1, budget=budget, guard=guards.overfitting) or is_stale(curve):
        return None
    then = turn.position
    evidence: Evidence = {
        "onset_round": then + 1,
        "valid_loss_then": float(curve.valid_loss[then]),
        "valid_loss": float(curve.valid_loss[-1]),
        "valid_loss_rise": turn.rise,
        "train_loss_then": float(curve.train_loss[then]),
        "train_loss": float(curve.train_loss[-1]),
        "trend_z": turn.trend_z,
        "no_gain_since_round": since + 1,
        "best_round": curve.best + 1,
    }
    because = (
        f"validation loss has risen {turn.rise:.0%} since round {then + 1} while training loss fell from "
        f"{curve.train_loss[then]:.3g} to {curve.train_loss[-1]:.3g}, and {metric.name} has gained no more than noise "
        f"since round {since + 1}"
    )
    return Stop("overfitting", len(curve), evidence, because)


def plateau(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Neither score nor validation loss has gained anything for long, at a steady learning rate."""
    since = reached_by(curve, budget)
    if not has_stalled(since, len(curve) - 1, budget=budget, guard=guards.plateau):
        return None
    smooth = moving_average(curve.valid_loss, smoothing_window(budget))
    lowest = int(np.argmin(smooth))
    if not has_stalled(lowest, len(curve) - 1, budget=budget, guard=0.1):
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.not_learning) or is_stale(curve):
        return None
    latest = slice(-math.ceil(guards.plateau * budget), None)
    if is_under_way(curve.train_loss[latest], curve.train_score[latest], chance=curve.chance):
        return None
    evidence: Evidence = {
        "no_gain_since_round": since + 1,
        "lowest_valid_loss_round": lowest + 1,
        "best_round": curve.best + 1,
        **signals_of(curve),
    }
    because = (
        f"{metric.name} has gained no more than noise since round {since + 1}, and validation loss has not fallen "
        f"since round {lowest + 1}"
    )
    return Stop("plateau", len(curve), evidence, because + units_of(curve))


_JUDGES: tuple[Callable[[Curve, int, Metric, Guards], Stop | None], ...] = (
    diverged,
    exploded,
    collapsed,
    not_learning,
    overfitting,
    plateau,
)


def reached_by(curve: Curve, budget: int) -> int:
    """The position from which the validation score has gained no more than noise."""
    return reached(
        curve.valid_score, curve.score_error, budget=budget, chance=curve.chance, ceiling=curve.ceiling
    )


def _climbs(curve: Curve) -> bool:
    return mann_kendall_z(curve.train_score) > SIGNIFICANT_Z
