"""What a diagnosis is, how long its signs must last, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sweeps.pruning.guards import Guards
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


GUARDS = Guards(overfitting=0.2, plateau=0.5, not_learning=0.1, collapsed=0.1)
FEWEST_ROUNDS = 4  # below which no trend is significant
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


def from_stop(stop: Stop, advice: str) -> Diagnosis:
    """The diagnosis that says what a stop says."""
    return Diagnosis(stop.reason, stop.evidence, stop.because, advice)  # type: ignore[arg-type]  # of those with a label
