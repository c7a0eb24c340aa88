"""What became of a training run: one label, the figures it rests on, a sentence, and the knob to turn.

The same signs that halt a trial (`sweeps.pruning`), and weaker ones that only describe: a diagnosis may be had of a
finished curve or of a running one, of any framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sweeps.pruning import onset, signals
from sweeps.pruning.curves import (
    collapse_onset,
    has_stalled,
    is_at_chance,
    lasting_rise,
    loss_turn,
    moving_average,
    path_excess,
    share_of_fall,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

Label = Literal[
    "diverged",
    "collapsed",
    "not_learning",
    "stale_statistics",
    "overfitting",
    "overconfident",
    "bouncing",
    "unfinished",
    "plateau",
    "healthy",
]


@dataclass(frozen=True)
class Diagnosis:
    """label: what it is. evidence: the figures. because: a sentence. advice: what to change; empty for nothing."""

    label: Label
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    because: str = ""
    advice: str = ""


# Shares of the budget. A diagnosis need not wait as long as a halt, which loses something where it is wrong.
GUARDS = onset.Guards(overfitting=0.2, plateau=0.5, not_learning=0.1, collapsed=0.1)


def diagnose(curve: Curve, budget: int, metric: Metric) -> Diagnosis:
    """The diagnosis of a curve of at least one round; `budget` is the number of rounds it was meant to have."""
    if not len(curve):
        raise ValueError("a curve without rounds has no diagnosis")
    for judge in _JUDGES:
        found = judge(curve, budget, metric)
        if found is not None:
            return found
    return _healthy(curve, budget, metric)


def _diverged(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    advice = "Lower learning_rate by a factor of 3 to 10, or limit the gradient (gradient_clip: 1)."
    for now in range(1, len(curve) + 1):
        stop = onset.diverged(curve.until(now), budget, metric, GUARDS)
        if stop is not None:
            return _from_stop(stop, f"{advice} A logarithm of 0 in a loss of one's own does it, too.")
    stop = onset.exploded(curve, budget, metric, GUARDS)
    return None if stop is None else _from_stop(stop, advice)


def _collapsed(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    stop = onset.collapsed(curve, budget, metric, GUARDS) or _fallen(curve, budget, metric)
    if stop is None:
        return None
    if signals.worst_share(curve) >= 0.25:
        advice = (
            "Units die: scale the initial weights (weight_init: he), take an activation that always has a slope "
            "(leaky_relu, elu), a larger batch_size or a lower learning_rate. Clipping does not help with adam."
        )
    else:
        advice = "Lower learning_rate, anneal it (schedule: cosine), or raise batch_size."
    return _from_stop(stop, advice)


def _fallen(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """A quarter of what was learnt is lost on both splits, for a fifth of the budget: too little to halt for."""
    lasting = max(3, round(0.2 * budget))
    if math.isnan(curve.floor) or signals.is_stale(curve):
        return None
    since = [
        collapse_onset(scores, chance=curve.floor, share_lost=0.25, lasting=lasting)
        for scores in (curve.train_score, curve.valid_score)
    ]
    if since[0] is None or since[1] is None:
        return None
    then, now = (metric.oriented(float(score)) for score in (curve.train_score.max(), curve.train_score[-1]))
    evidence = {
        "onset_round": since[0] + 1,
        "best_train_score": then,
        "train_score": now,
        **signals.signals_of(curve),
    }
    because = f"training {metric.name} fell from {then:.4g} to {now:.4g}, and validation with it"
    return Stop("collapsed", len(curve), evidence, because + signals.units_of(curve))


def _not_learning(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    stop = onset.not_learning(curve, budget, metric, GUARDS) or _at_chance(curve, budget, metric)
    if stop is None:
        return None
    if signals.worst_share(curve) >= 0.9:
        advice = (
            "The units were dead from the start: lower learning_rate, and scale the input and the weights."
        )
    elif signals.vanishes(curve):
        advice = "Weights that keep the gradient's size (weight_init: he), batch_norm, or pretrained weights."
    elif float(curve.train_loss.max() - curve.train_loss.min()) > 0.1 * abs(float(curve.train_loss.min())):
        advice = "The loss moves and nothing is learnt: lower learning_rate, and look at input and targets."
    else:
        advice = "The loss hardly moves: raise learning_rate by a factor of 10, or look at input and targets."
    return _from_stop(stop, advice)


def _at_chance(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """A score that has not left chance, or by a little at the start, is no learning, whatever the loss does."""
    if math.isnan(curve.chance) or len(curve) < max(3, math.ceil(GUARDS.not_learning * budget)):
        return None
    is_none = is_at_chance(
        curve.train_score, curve.valid_score, curve.score_error, chance=curve.chance, budget=budget
    )
    usual = max(float(np.quantile(scores, 0.75)) for scores in (curve.train_score, curve.valid_score))
    since = onset.reached_by(curve, budget)
    is_little = usual - curve.chance < 0.05 and since <= 0.1 * budget + smoothing_window(budget)
    if not (is_none or is_little):
        return None
    best = metric.oriented(float(curve.valid_score[curve.best]))
    evidence = {
        "best_valid_score": best,
        "chance": metric.oriented(curve.chance),
        **signals.signals_of(curve),
    }
    because = f"{metric.name} has been {best:.4g} at best, and chance is {metric.oriented(curve.chance):.4g}"
    return Stop(
        "not_learning", len(curve), evidence, because + signals.units_of(curve) + signals.gradient_of(curve)
    )


def _stale(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    if curve.batch_statistics_score is None:
        return None
    lag = (curve.batch_statistics_score - curve.valid_score)[-max(3, len(curve) // 4) :]
    if not float(np.median(lag)) > max(0.02, 3 * float(np.median(curve.score_error))):
        return None
    running = metric.oriented(float(np.median(curve.valid_score[-len(lag) :])))
    own = metric.oriented(float(np.median(curve.batch_statistics_score[-len(lag) :])))
    return Diagnosis(
        "stale_statistics",
        {"valid_score": running, "valid_score_batch_statistics": own, "lag": float(np.median(lag))},
        f"validation {metric.name} is {running:.4g} with batch norm's running statistics and {own:.4g} with the "
        "batch's own: the same weights are better than they look",
        "Raise bn_momentum (the weight of the new batch; 0.1 is usual), or re-estimate the running statistics.",
    )


def _turned(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """Overfitting, or overconfident, by whether the score has gone on climbing after the loss had turned."""
    losses = curve.train_loss, curve.valid_loss
    turn = loss_turn(*losses, budget=budget, significance_z=1.64) or lasting_rise(*losses, budget=budget)
    if turn is None:
        return None
    stop = onset.overfitting_since(turn, curve, budget, metric, GUARDS)
    if stop is not None:
        advice = "More dropout or weight_decay, a smaller hidden_width, or more data; the best round is what counts."
        return _from_stop(stop, advice)
    then = turn.position
    evidence = {
        "onset_round": then + 1,
        "valid_loss_rise": turn.rise,
        "trend_z": turn.trend_z,
        "best_round": curve.best + 1,
    }
    because = (
        f"validation loss has risen {turn.rise:.0%} since round {then + 1}, but {metric.name} still had its best in "
        f"round {curve.best + 1}"
    )
    advice = "No reason to halt. Where probabilities matter: weight_decay, dropout, or fewer rounds."
    return Diagnosis("overconfident", evidence, because, advice)


def _bouncing(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    half = slice(len(curve) // 2, None)
    if len(curve) < 6:
        return None
    valid, train = path_excess(curve.valid_score[half]), path_excess(curve.train_score[half])
    gained = max(float(curve.valid_score.max() - _start(curve)), 1e-12)
    error = float(np.median(curve.score_error))
    if not (valid > max(0.018 * gained, 1.2 * error) and train > 0.012 * gained):
        return None
    return Diagnosis(
        "bouncing",
        {"mean_change_valid": valid, "mean_change_train": train, **signals.signals_of(curve)},
        f"{metric.name} goes up and down by {valid:.2g} a round ({train:.2g} on training rows)"
        + signals.units_of(curve),
        "Lower learning_rate or anneal it (schedule: cosine); a larger batch_size calms it as well.",
    )


def _unfinished(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    if len(curve) < max(4, budget):
        return None
    before = int(0.75 * len(curve))
    window = smoothing_window(budget)
    scores, losses = moving_average(curve.valid_score, window), moving_average(curve.valid_loss, window)
    gain = float(scores[-1] - scores[:before].max())
    gained = max(float(scores.max() - _start(curve)), 0.0)
    error = float(np.median(curve.score_error)) / math.sqrt(window)
    is_climbing = gain > max(0.006 * gained, 2 * error)
    if not (is_climbing or share_of_fall(losses, before) > 0.05):
        return None
    evidence = {
        "gain_of_the_last_quarter": gain,
        "valid_loss_before": float(losses[:before].min()),
        "valid_loss": float(losses[-1]),
    }
    moving = f"{metric.name} gained {gain:.2g}" if is_climbing else "validation loss fell"
    because = f"in the last quarter of the budget {moving}"
    more = 2 * len(curve)
    return Diagnosis(
        "unfinished", evidence, because, f"More rounds (--rounds {more}), or a higher learning_rate."
    )


def _plateau(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    since = onset.reached_by(curve, budget)
    if not has_stalled(since, len(curve) - 1, budget=budget, guard=GUARDS.plateau):
        return None
    losses = moving_average(curve.valid_loss, smoothing_window(budget))
    half = max(1, len(curve) // 2)
    is_long = has_stalled(since, len(curve) - 1, budget=budget, guard=0.75)
    if not is_long and losses[-1] <= 0.98 * losses[:half].min():
        return None
    evidence = {"no_gain_since_round": since + 1, "best_round": curve.best + 1, **signals.signals_of(curve)}
    because = f"{metric.name} has gained no more than noise since round {since + 1}" + signals.units_of(curve)
    if signals.worst_share(curve) >= 0.5:
        advice = "Many units do nothing: lower learning_rate, scale the initial weights, or take leaky_relu."
    else:
        advice = "It has converged: fewer rounds do, or another capacity or learning_rate."
    return Diagnosis("plateau", evidence, because, advice)


def _healthy(curve: Curve, budget: int, metric: Metric) -> Diagnosis:
    best = metric.oriented(float(curve.valid_score[curve.best]))
    because = f"{metric.name} had its best, {best:.4g}, in round {curve.best + 1} of {len(curve)}"
    return Diagnosis("healthy", {"best_valid_score": best, "best_round": curve.best + 1}, because)


_JUDGES: tuple[Callable[[Curve, int, Metric], Diagnosis | None], ...] = (
    _diverged,
    _stale,
    _collapsed,
    _not_learning,
    _turned,
    _bouncing,
    _unfinished,
    _plateau,
)


def _from_stop(stop: Stop, advice: str) -> Diagnosis:
    return Diagnosis(stop.reason, stop.evidence, stop.because, advice)  # type: ignore[arg-type]  # of those with a label


def _start(curve: Curve) -> float:
    """The score that learning starts from: chance, else that of the first round."""
    return float(curve.valid_score[0]) if math.isnan(curve.chance) else curve.chance
