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
    has_stalled,
    lasting_rise,
    loss_turn,
    moving_average,
    noise_of,
    path_excess,
    reached,
    share_of_fall,
    smoothing_window,
)
from sweeps.pruning.learning_curve import Curve, IntArray
from sweeps.pruning.looks import looks_of
from sweeps.pruning.scale import NO_GAIN, is_at_chance, may_be_at_chance, point_of, scale_of
from sweeps.pruning.wording import apart, of_validation, since_round
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
    "inferior",
]


@dataclass(frozen=True)
class Diagnosis:
    """label: what it is; `inferior` only of a trial that a stop rule halted as such. evidence: the figures.

    because: a sentence. advice: what to change; empty for nothing.
    """

    label: Label
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    because: str = ""
    advice: str = ""


# Shares of the budget. A diagnosis need not wait as long as a halt, which loses something where it is wrong.
GUARDS = onset.Guards(overfitting=0.2, plateau=0.5, not_learning=0.1, collapsed=0.1)
CERTAIN_Z = 3.0  # of a trend that speaks against `not_learning`
SHORT = 1 / 3  # of the budget: long enough for a plateau where the loss has its minimum behind it, too
CLIMBS = 2.0  # times its bounce, that a score gains in the last quarter: it is unfinished then
FEWEST_ROUNDS = 4  # below which no trend is significant
MUCH = 0.25  # of the fall of training loss, by which validation loss rises in curves of fewer rounds
RISE = 0.03  # of all that the losses moved
LOW_SHARE = 0.35  # as low as chance may be: where it is not told, no higher share is taken for it
LESS_CAPACITY = (
    "More dropout or weight_decay, a smaller hidden_width, or more data; the best round is what counts."
)
STEADIER = "Lower learning_rate, anneal it (schedule: cosine), or raise batch_size."
LOWER_RATE = "Lower learning_rate by a factor of 3 to 10, or limit the gradient (gradient_clip: 1)."


def advice_for(reason: str) -> str:
    """What to turn after a halt for this reason, where the rounds alone would be called something else."""
    return {
        "overfitting": LESS_CAPACITY,
        "diverged": LOWER_RATE,
        "collapsed": STEADIER,
        "not_learning": "Another learning_rate; look at input and targets.",
    }.get(reason, "")


def diagnose(curve: Curve, budget: int, metric: Metric) -> Diagnosis:
    """The diagnosis of a curve of at least one round; `budget` is the number of rounds it was meant to have."""
    if not len(curve):
        raise ValueError("a curve without rounds has no diagnosis")
    found = _not_finite(curve, budget)
    if found is not None:
        return found
    looks, num_looks = looks_of(curve, budget)
    for judge in _JUDGES if len(looks) else ():
        found = judge(looks, num_looks, metric)
        if found is not None:
            return found
    return _healthy(curve, metric)


def _diverged(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    stop = onset.exploded(curve, budget, metric, GUARDS)
    return None if stop is None else _from_stop(stop, LOWER_RATE)


def _not_finite(curve: Curve, budget: int) -> Diagnosis | None:
    """At the first round whose figures are not finite, or have not been for a while."""
    suspects = (
        ~np.isfinite(curve.train_loss) if curve.has_train_loss else np.zeros(len(curve), dtype=np.bool_)
    )
    suspects = suspects & curve.train_measured | ~np.isfinite(curve.valid_loss) & curve.valid_measured
    if curve.running_loss is not None:
        suspects = suspects | ~np.isfinite(curve.running_loss)
    for position in _worth_a_look(np.flatnonzero(suspects)):
        stop = onset.diverged(curve.until(int(position) + 1), budget, GUARDS)
        if stop is not None:
            return _from_stop(stop, f"{LOWER_RATE} A logarithm of 0 in a loss of one's own does it, too.")
    return None


def _worth_a_look(positions: IntArray, most: int = 1000) -> IntArray:
    """All of them, or where there are very many the first and evenly spaced ones, up to the last."""
    if len(positions) <= most:
        return positions
    return np.concatenate([positions[:most], positions[:: len(positions) // most], positions[-1:]])


def _collapsed(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    if math.isnan(curve.chance) and _barely_learnt(curve, budget, metric) is not None:
        return None
    stop = onset.collapsed(curve, budget, metric, GUARDS) or onset.fallen(
        curve, metric, lasting=max(3, round(0.2 * budget)), share_lost=0.25
    )  # the second: too little to halt for
    if stop is None:
        return None
    if signals.worst_share(curve) >= 0.25:
        advice = (
            "Units die: scale the initial weights (weight_init: he), take an activation that always has a slope "
            "(leaky_relu, elu), a larger batch_size or a lower learning_rate. Clipping does not help with adam."
        )
    else:
        advice = STEADIER
    return _from_stop(stop, advice)


def _not_learning(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    stop = onset.nothing_learnt(curve, budget, metric, GUARDS, significance_z=CERTAIN_Z) or _at_chance(
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
    return _from_stop(stop, advice)


def _at_chance(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """A score that has not left chance is no learning, whatever the loss does."""
    if math.isnan(curve.chance):
        return _barely_learnt(curve, budget, metric)
    if len(curve) < max(3, math.ceil(GUARDS.not_learning * budget)) or not is_at_chance(curve, budget):
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


def _barely_learnt(curve: Curve, budget: int, metric: Metric) -> Stop | None:
    """Where chance is not told: shares, or per cent, that are low and have gained less than five points."""
    if len(curve) < max(FEWEST_ROUNDS, math.ceil(GUARDS.not_learning * budget)) or curve.ceiling not in (
        1.0,
        100.0,
    ):
        return None
    if len(curve) < 6 and not onset.goes_nowhere(curve, budget):
        return None
    known = [curve.valid_score, curve.train_score] if curve.has_train_score else [curve.valid_score]
    is_low = all(float(np.median(scores)) <= LOW_SHARE * curve.ceiling for scores in known)
    if not is_low or not may_be_at_chance(curve, budget):
        return None
    first, best = (
        metric.oriented(float(score)) for score in (curve.valid_score[0], curve.valid_score[curve.best])
    )
    evidence = {"first_valid_score": first, "best_valid_score": best, **signals.signals_of(curve)}
    because = f"{metric.name} was {first:.4g} at first and {best:.4g} at best"
    said = because + signals.units_of(curve) + signals.gradient_of(curve)
    return Stop("not_learning", int(curve.ends[-1]), evidence, said)


def _stale(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
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


def _turned(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """Overfitting, or overconfident, by whether the score has gone on climbing after the loss had turned."""
    losses = onset.training_of(curve), curve.valid_loss
    turn = loss_turn(*losses, budget=budget, rise=RISE, significance_z=1.96) or lasting_rise(
        *losses, budget=budget
    )
    if turn is None:
        return None
    stop = onset.overfitting_since(turn, curve, budget, metric, GUARDS)
    if stop is not None:
        return _from_stop(stop, LESS_CAPACITY)
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


def _short(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    """What can be said of a finished curve in which no trend can be significant."""
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
    """In three rounds or more, validation loss only rose, and far, while training loss only fell."""
    if len(curve) < 3 or not curve.has_train_loss or curve.best == len(curve) - 1:
        return False
    risen, fallen = np.diff(curve.valid_loss), -np.diff(curve.train_loss)
    if (risen < 0).any() or (fallen <= 0).any():
        return False
    return float(risen.sum()) > MUCH * float(fallen.sum())


def _bouncing(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    half = slice(len(curve) // 2, None)
    if len(curve) < 6:
        return None
    point = point_of(curve, scale_of(curve, budget).gain)
    valid = path_excess(curve.valid_score[half])
    error = signals.sampling_error_of(curve)
    if not valid > max(1.5 * point, 1.2 * error):
        return None
    training = curve.train_score if curve.has_train_score else -curve.train_loss
    if curve.has_train_score and not path_excess(training[half]) > 1.25 * point:
        return None
    if len(curve) >= budget and _gain_of_the_last_quarter(curve, budget) > CLIMBS * valid:
        return None
    said = f"{of_validation(metric.name)} changes by {valid:.2g} from round to round"
    evidence = {"valid_path_excess": valid}
    if curve.has_train_score:
        evidence["train_path_excess"] = path_excess(training[half])
    return Diagnosis("bouncing", evidence, said, STEADIER)


def _unfinished(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    if len(curve) < max(4, budget):
        return None
    before = int(0.75 * len(curve))
    window = smoothing_window(budget)
    losses = moving_average(curve.valid_loss, window)
    gain = _gain_of_the_last_quarter(curve, budget)
    scale = scale_of(curve, budget)
    error = signals.sampling_error_of(curve) / math.sqrt(window)
    is_climbing = gain > max(0.006 * scale.gain, 2 * scale.tolerance, 2 * error)
    fall = share_of_fall(losses, before, _early(len(curve)))
    is_falling = fall > 0.05
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
    """By how much the smoothed score ends above its best of the first three quarters."""
    scores = moving_average(curve.valid_score, smoothing_window(budget))
    return float(scores[-1] - scores[: int(0.75 * len(curve))].max())


def _early(length: int) -> int:
    """The rounds at the start whose loss tells nothing of how far it falls."""
    return length // 10


def _plateau(curve: Curve, budget: int, metric: Metric) -> Diagnosis | None:
    scale, now = scale_of(curve, budget), len(curve) - 1
    since = reached(curve.valid_score, budget=budget, negligible=max(scale.little, 2 * scale.tolerance))
    losses = moving_average(curve.valid_loss, smoothing_window(budget))
    half = max(1, len(curve) // 2)
    is_long = has_stalled(since, now, budget=budget, guard=0.75)
    is_flat = has_stalled(since, now, budget=budget, guard=GUARDS.plateau) and (
        is_long or share_of_fall(losses, half, _early(len(curve))) < 0.02
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


def _healthy(curve: Curve, metric: Metric) -> Diagnosis:
    """Of the curve as it was recorded, or at least of what is finite in it."""
    best = metric.oriented(float(curve.valid_score[curve.best]))
    number = int(curve.numbers[curve.best])
    last = int(curve.numbers[-1])
    when = "in the last round" if number == last else f"in round {number}; the last is round {last}"
    because = f"{metric.name} had its best, {best:.4g}, {when}"
    return Diagnosis("healthy", {"best_valid_score": best, "best_round": number}, because)


_JUDGES: tuple[Callable[[Curve, int, Metric], Diagnosis | None], ...] = (
    _diverged,
    _stale,
    _collapsed,
    _not_learning,
    _short,
    _turned,
    _bouncing,
    _unfinished,
    _plateau,
)


def _from_stop(stop: Stop, advice: str) -> Diagnosis:
    return Diagnosis(stop.reason, stop.evidence, stop.because, advice)  # type: ignore[arg-type]  # of those with a label
