"""Stop rules by name: from the rounds so far to a verdict.

A rule is a pure function of the trial's own rounds, so it survives a crash for free: verdicts are
computed anew from stored rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from objectives import Round
from sweeps.outcome import Metric, Stop
from sweeps.pruning.curves import collapse_onset, overfitting_onset

StopRule = Callable[[Sequence[Round], int, Metric], Stop | None]


def no_rule(rounds: Sequence[Round], budget: int, metric: Metric) -> Stop | None:
    """Never halts: every trial runs all its rounds."""
    return None


def onset_rule(rounds: Sequence[Round], budget: int, metric: Metric) -> Stop | None:
    """Halts what is no longer finite, what has lastingly collapsed, and what overfits past its best."""
    return _diverged(rounds) or _collapsed(rounds, metric) or _overfitting(rounds, budget, metric)


RULES: dict[str, StopRule] = {"onset": onset_rule, "none": no_rule}


def _diverged(rounds: Sequence[Round]) -> Stop | None:
    latest = rounds[-1]
    for name in ("running_loss", "train_loss", "valid_loss"):
        value = getattr(latest, name)
        if not math.isfinite(value):
            evidence: dict[str, float | int | str] = {
                name: repr(value),
                "gradient_norm": latest.gradient_norm,
            }
            return Stop(
                "diverged", latest.index, evidence, f"{_spoken(name)} is not finite any more ({value})"
            )
    return None


def _collapsed(rounds: Sequence[Round], metric: Metric) -> Stop | None:
    scores = [metric.oriented(each.train_score) for each in rounds]
    onset = collapse_onset(scores, chance=metric.oriented(metric.chance))
    if onset is None:
        return None
    latest = rounds[-1]
    best = max(rounds, key=lambda each: metric.oriented(each.train_score))
    evidence: dict[str, float | int | str] = {
        "onset_round": rounds[onset].index,
        "best_train_score": best.train_score,
        "train_score": latest.train_score,
        "valid_score": latest.valid_score,
        "gradient_norm": latest.gradient_norm,
    }
    for name in ("dead_share", "saturated_share"):
        if (share := getattr(latest, name)) is not None:
            evidence[name] = share
    because = (
        f"training {metric.name} fell from {best.train_score:.4g} to {latest.train_score:.4g}, and validation "
        "with it"
    )
    if latest.dead_share:
        because += f"; {latest.dead_share:.0%} of the units of a layer are dead"
    return Stop("collapsed", latest.index, evidence, because)


def _overfitting(rounds: Sequence[Round], budget: int, metric: Metric) -> Stop | None:
    onset = overfitting_onset(
        [each.train_loss for each in rounds],
        [each.valid_loss for each in rounds],
        [metric.oriented(each.valid_score) for each in rounds],
        budget=budget,
    )
    if onset is None:
        return None
    latest, turned = rounds[-1], rounds[onset.turned]
    best = max(rounds, key=lambda each: metric.oriented(each.valid_score))
    evidence: dict[str, float | int | str] = {
        "onset_round": turned.index,
        "valid_loss_then": turned.valid_loss,
        "valid_loss": latest.valid_loss,
        "valid_loss_rise": onset.rise,
        "train_loss_then": turned.train_loss,
        "train_loss": latest.train_loss,
        "trend_z": onset.trend_z,
        "no_new_best_since_round": best.index,
    }
    because = (
        f"validation loss has risen {onset.rise:.0%} since round {turned.index} while training loss fell from "
        f"{turned.train_loss:.3g} to {latest.train_loss:.3g}, and {metric.name} has set no new best since round "
        f"{best.index}"
    )
    return Stop("overfitting", latest.index, evidence, because)


def _spoken(name: str) -> str:
    return {"running_loss": "the loss", "train_loss": "training loss", "valid_loss": "validation loss"}[name]
