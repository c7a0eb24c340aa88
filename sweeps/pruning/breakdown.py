"""Finds trials whose training broke down: the loss is not finite or has exploded, or the score has collapsed."""

from __future__ import annotations

import math

import numpy as np

from sweeps.pruning.curves import (
    collapse_onset,
    is_steady,
    noise_of,
)
from sweeps.pruning.guards import Evidence, Guards
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.scale import (
    least_gain,
    point_of,
    start_of,
)
from sweeps.pruning.signals import is_stale, signals_of, units_died, units_of
from sweeps.pruning.wording import apart
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop


def diverged(curve: Curve, budget: int, guards: Guards) -> Stop | None:
    """Halts if a training loss has become NaN or infinite, or if the validation loss has been so for a while."""
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
    """Halts if the training loss lies above its first value by more than it ever fell below it, for a while.

    A third of what the score had gained must be lost, too.
    """
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
    """Halts if more than half of the score's gain has been lost for a while, on training and on validation rows."""
    lasting = 3 if units_died(curve) else max(3, round(guards.collapsed * budget))
    return fallen(curve, metric, lasting=lasting, share_lost=0.5)


def fallen(curve: Curve, metric: Metric, *, lasting: int, share_lost: float) -> Stop | None:
    """As `collapsed`, with other limits. share_lost: of the score's gain. lasting: for how many looks it is lost."""
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
    """The validation and the training score, each with its floor.

    Minus the training loss replaces a training score that was not recorded.
    """
    found = [(curve.valid_score, curve.floor)]
    if curve.has_train_score:
        found.append((curve.train_score, curve.floor))
    elif curve.has_train_loss:
        found.append((-curve.train_loss, math.nan))
    return found
