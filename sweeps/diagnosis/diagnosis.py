"""The type of a diagnosis, how long its signs must last, and texts that advise what to change."""

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
    """The diagnosis of a learning curve.

    label: `inferior` only for a trial that a stop rule halted for this reason. evidence: the figures on which the label
    rests. because: a sentence that explains it. advice: what to change; empty if nothing.
    """

    label: Label
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    because: str = ""
    advice: str = ""


GUARDS = Guards(overfitting=0.2, plateau=0.5, not_learning=0.1, collapsed=0.1)
FEWEST_ROUNDS = 4  # with fewer rounds, no trend is significant
LESS_CAPACITY = (
    "More dropout or weight_decay, a smaller hidden_width, or more data; the best round is what counts."
)
STEADIER = "Lower learning_rate, anneal it (schedule: cosine), or raise batch_size."
LOWER_RATE = "Lower learning_rate by a factor of 3 to 10, or limit the gradient (gradient_clip: 1)."


def advice_for(reason: str) -> str:
    """What to change after a halt for this reason, if the rounds alone would get another label; empty for nothing."""
    return {
        "overfitting": LESS_CAPACITY,
        "diverged": LOWER_RATE,
        "collapsed": STEADIER,
        "not_learning": "Another learning_rate; look at input and targets.",
    }.get(reason, "")


def from_stop(stop: Stop, advice: str) -> Diagnosis:
    """The diagnosis with a stop's reason, evidence and sentence."""
    return Diagnosis(stop.reason, stop.evidence, stop.because, advice)  # type: ignore[arg-type]  # of those with a label
