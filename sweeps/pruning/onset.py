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
    falls,
    has_stalled,
    is_steady,
    loss_turn,
    moving_average,
    noise_of,
    reached,
    rises,
    slope_of,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.looks import is_due, looks_of
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.scale import (
    CHANCE_IS_BELOW,
    NO_GAIN,
    least_gain,
    margin_of_chance,
    may_be_at_chance,
    point_of,
    scale_of,
    start_of,
)
from sweeps.pruning.signals import gradient_of, is_stale, signals_of, units_died, units_of, worst_share
from sweeps.pruning.wording import apart, since_round
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

Evidence = dict[str, float | int | str]
FEWEST_FOR_A_TREND = 6  # rounds, of which the first is passed over
STILL_CLIMBING = 0.3  # of the budget, over which the score's slope is taken


@dataclass(frozen=True)
class Guards:
    """How long each rule waits, as shares of the budget.

    overfitting: without a gain in the score, once the loss has turned. plateau: without a gain in score or loss.
    not_learning: from the start. collapsed: below half of what was learnt; 3 rounds suffice where dead units tell.
    """

    overfitting: float = 0.125
    plateau: float = 0.4
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
    stop = diverged(curve, budget, guards)
    if stop is not None or not is_due(len(curve), budget):
        return stop
    looks, num_looks = looks_of(curve, budget)
    if not len(looks) or looks.ends[-1] != len(curve):
        return None
    for judge in _JUDGES:
        stop = judge(looks, num_looks, metric, guards)
        if stop is not None:
            return stop
    return None


def diverged(curve: Curve, budget: int, guards: Guards) -> Stop | None:
    """A training loss is not finite any more, or the validation loss has not been for a while."""
    if not len(curve):
        return None
    for spoken, losses in (("the loss", curve.running_loss), ("training loss", curve.train_loss)):
        if losses is not None and curve.train_measured[-1] and not math.isfinite(losses[-1]):
            if spoken == "training loss" and not curve.has_train_loss:
                continue
            evidence: Evidence = {spoken.replace(" ", "_"): repr(float(losses[-1])), **signals_of(curve)}
            because = f"{spoken} is not finite any more ({float(losses[-1])})"
            return Stop("diverged", len(curve), evidence, because)
    lasting = max(3, round(guards.collapsed * budget))
    if not curve.valid_measured[-1] or math.isfinite(curve.valid_loss[-1]):
        return None
    latest = curve.valid_loss[curve.valid_measured][-lasting:]
    if len(latest) < lasting or np.isfinite(latest).any():
        return None
    evidence = {"validation_loss": repr(float(curve.valid_loss[-1])), **signals_of(curve)}
    because = f"validation loss has not been finite for {lasting} rounds"
    return Stop("diverged", len(curve), evidence, because)


def exploded(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Training loss is above its first by more than all it ever fell, for a while, and a third of the score is lost."""
    losses = curve.train_loss
    if not curve.has_train_loss:
        return None
    latest = losses[-max(3, round(guards.collapsed * budget)) :]
    lost = float(losses[0] - losses.min())
    if not lost > 6 * noise_of(losses) or not latest.min() - losses[0] > lost:
        return None
    if not is_steady(curve.learning_rate, budget=budget, share=guards.collapsed):
        return None
    scores = curve.train_score if curve.has_train_score else curve.valid_score
    start = start_of(scores, curve.floor)
    if float(scores[-1]) - start > 0.67 * float(scores.max() - start) and not curve.score_is_loss:
        return None
    evidence: Evidence = {
        "train_loss": float(losses[-1]),
        "lowest_train_loss": float(losses.min()),
        **signals_of(curve),
    }
    then, now = apart(float(losses.min()), float(losses[-1]))
    return Stop("diverged", int(curve.ends[-1]), evidence, f"training loss rose from {then} to {now}")


def collapsed(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """More than half of what was learnt is lost, on training and on validation rows, and has been for a while."""
    lasting = 3 if units_died(curve) else max(3, round(guards.collapsed * budget))
    return fallen(curve, metric, lasting=lasting, share_lost=0.5)


def fallen(curve: Curve, metric: Metric, *, lasting: int, share_lost: float) -> Stop | None:
    """`collapsed`, with other shares: how much is lost, and for how many looks."""
    if curve.score_is_loss or is_stale(curve):
        return None
    onsets = [
        collapse_onset(
            scores,
            floor=start_of(scores, floor),
            least_gain=max(least_gain(scores), 10 * point_of(curve, 0.0)),
            share_lost=share_lost,
            lasting=lasting,
        )
        for scores, floor in _learnt(curve)
    ]
    found = [onset for onset in onsets if onset is not None]
    if len(found) < len(onsets):
        return None
    spoken, scores = (
        ("training", curve.train_score) if curve.has_train_score else ("validation", curve.valid_score)
    )
    then, now = metric.oriented(float(scores.max())), metric.oriented(float(scores[-1]))
    evidence: Evidence = {
        "onset_round": int(curve.numbers[max(found)]),
        f"best_{spoken[:5]}_score": then,
        f"{spoken[:5]}_score": now,
        "valid_score": metric.oriented(float(curve.valid_score[-1])),
        **signals_of(curve),
    }
    because = f"{spoken} {metric.name} fell from {then:.4g} to {now:.4g}"
    because += ", and validation with it" if curve.has_train_score else ""
    return Stop("collapsed", int(curve.ends[-1]), evidence, because + units_of(curve))


def _learnt(curve: Curve) -> list[tuple[FloatArray, float]]:
    """The scores that tell what was learnt, each with its floor; minus the training loss where no score is known."""
    found = [(curve.valid_score, curve.floor)]
    if curve.has_train_score:
        found.append((curve.train_score, curve.floor))
    elif curve.has_train_loss:
        found.append((-curve.train_loss, math.nan))
    return found


def not_learning(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Scores are those of chance, and training goes nowhere or the units are dead, at a steady learning rate."""
    return nothing_learnt(curve, budget, metric, guards)


def nothing_learnt(
    curve: Curve, budget: int, metric: Metric, guards: Guards, *, significance_z: float = SIGNIFICANT_Z
) -> Stop | None:
    """`not_learning`, by trends of this significance."""
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


def goes_nowhere(curve: Curve, budget: int, *, significance_z: float = SIGNIFICANT_Z) -> bool:
    """Whether neither the losses nor the scores have got better, but for the first tenth of the budget.

    A slow learner still shows a trend.
    """
    skipped = min(math.ceil(0.1 * budget), len(curve) // 6)
    better = [-curve.valid_loss, curve.valid_score]
    if curve.has_train_loss:
        better.append(-curve.train_loss)
    if curve.has_train_score:
        better.append(curve.train_score)
    if any(rises(values[skipped:], significance_z=significance_z) for values in better):
        return False
    return not any(_has_gained(values[skipped:], budget) for values in better[2:])


def _has_gained(values: FloatArray, budget: int) -> bool:
    """Whether the latest are better than the first by far more than noise."""
    window = smoothing_window(budget)
    smooth = moving_average(values, window)[window - 1 :]
    if len(smooth) < 2:
        return False
    return float(smooth[-1] - smooth[0]) > 4 * noise_of(values) / math.sqrt(window) + 1e-9 * abs(
        float(smooth[0])
    )


def overfitting(curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Validation loss has turned while training loss falls, and the score has since stood still or fallen."""
    turn = loss_turn(training_of(curve), curve.valid_loss, budget=budget)
    if turn is None or still_climbs(curve, budget) or not _has_learnt(curve, budget):
        return None
    return overfitting_since(turn, curve, budget, metric, guards)


def training_of(curve: Curve) -> FloatArray | None:
    """The training loss, where it was recorded."""
    return curve.train_loss if curve.has_train_loss else None


def _has_learnt(curve: Curve, budget: int) -> bool:
    """Whether training has learnt anything: what is still at chance there does not overfit."""
    if not curve.has_train_score or curve.score_is_loss:
        return True
    latest = float(np.median(curve.train_score[-max(3, len(curve) // 3) :]))
    if not math.isnan(curve.chance):
        return latest >= curve.chance + margin_of_chance(curve, budget)
    if curve.ceiling in (1.0, 100.0) and latest >= CHANCE_IS_BELOW * curve.ceiling:
        return True
    return rises(curve.train_score) or _has_gained(curve.train_score, budget)


def still_climbs(curve: Curve, budget: int) -> bool:
    """Whether the score, drawn on by its recent slope to the end of the budget, would gain half a point or more."""
    least = NO_GAIN / 0.01 * point_of(curve, scale_of(curve, budget).gain)
    for share, errors in ((STILL_CLIMBING, 0.0), (STILL_CLIMBING / 2, 2.0)):
        slope, error = slope_of(curve.valid_score[-max(4, round(share * budget)) :])
        if (slope - errors * error) * max(0, budget - len(curve)) > least:
            return True
    return False


def overfitting_since(turn: Turn, curve: Curve, budget: int, metric: Metric, guards: Guards) -> Stop | None:
    """Overfitting where the loss is known to have turned: the score has since stood still or fallen."""
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
    """Of a validation loss that has risen since its minimum, or of a score that has fallen since its best."""
    if curve.loss_is_score:
        then, now = apart(metric.oriented(-turn.lowest), metric.oriented(-turn.latest))
        moved = "fallen" if metric.direction == "maximize" else "risen"
        return f"{metric.name} has {moved} from {then} to {now} {since_round(curve, turn.position)}"
    then, now = apart(turn.lowest, turn.latest)
    return f"validation loss has risen from {then} to {now} {since_round(curve, turn.position)}"


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
    if still_climbs(curve, budget) or _is_under_way(curve, budget, math.ceil(guards.plateau * budget)):
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


def _is_under_way(curve: Curve, budget: int, num_latest: int) -> bool:
    """Whether training gets on, whatever validation does: its score rises, or its loss while nothing is learnt yet."""
    latest = slice(-num_latest, None)
    scores = curve.train_score[latest]
    if curve.has_train_score:
        half = len(scores) // 2
        gain = float(scores[half:].mean() - scores[:half].mean()) if half else 0.0
        reach = float(curve.train_score.max()) - start_of(curve.train_score, curve.floor)
        if gain > 0.01 * max(reach, 0.0) and rises(scores):
            return True
    return curve.has_train_loss and may_be_at_chance(curve, budget) and falls(curve.train_loss[latest])


_JUDGES: tuple[Callable[[Curve, int, Metric, Guards], Stop | None], ...] = (
    exploded,
    collapsed,
    not_learning,
    overfitting,
    plateau,
)


def reached_by(curve: Curve, budget: int) -> int:
    """The position from which the validation score has gained no more than noise."""
    return reached(curve.valid_score, budget=budget, negligible=scale_of(curve, budget).little)
