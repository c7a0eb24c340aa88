"""Suggests a range of a regularisation parameter against overfitting, unless the study's own trials contradict it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from sweeps.report.knobs import value_at
from sweeps.report.study_facts import StudyFacts

KNOWN = ("dropout", "weight_decay")
UNTRIED = {
    "dropout": (0.0, 0.5),
    "weight_decay": (1e-5, 1e-1),
}  # the range to suggest if the study kept the parameter fixed
FEWEST = 3  # trials above and below the value of the best trials; with fewer, they are not compared


@dataclass(frozen=True)
class MoreOf:
    """A range of one parameter to search. because: the evidence for it, in a sentence."""

    name: str
    low: float
    high: float
    is_searched: bool
    because: str


def more_regularisation(facts: StudyFacts) -> MoreOf | None:
    """The range to search next; None if the trials are too few, or show that more regularisation does not help."""
    for name in KNOWN:
        if name in facts.ranges:
            found = _upper_part(facts, name)
            if found is not None:
                return found
    searched = {each.name for each in facts.study.spec.space.searched}
    fixed = facts.parameters[facts.best.number]
    for name in KNOWN:
        if name in fixed and name not in searched and isinstance(fixed[name], int | float):
            because = f"This study kept {name} at {fixed[name]:g}; no trial has tried other values."
            return MoreOf(name, *UNTRIED[name], is_searched=False, because=because)
    return None


def _upper_part(facts: StudyFacts, name: str) -> MoreOf | None:
    """The range above the best trials' values, if fewer trials overfit there and their mean score is no worse."""
    at = {trial.number: facts.position_of(trial, name) for trial in facts.ranked}
    best = [place for trial in facts.top if (place := at[trial.number]) is not None]
    if not best:
        return None
    edge = statistics.median(best)
    above = [t for t in facts.ranked if (place := at[t.number]) is not None and place >= edge]
    below = [t for t in facts.ranked if (place := at[t.number]) is not None and place < edge]
    if min(len(above), len(below)) < FEWEST:
        return None
    shares = [
        facts.share_of(side, lambda trial: facts.label_of(trial) == "overfitting") for side in (above, below)
    ]
    metric = facts.study.spec.metric
    means = [
        statistics.fmean(metric.oriented(float(t.value or 0.0)) for t in side) for side in (above, below)
    ]
    if shares[0] >= shares[1] or means[0] < means[1]:
        return None
    domain = facts.ranges[name]
    low = value_at(domain, edge)
    because = (
        f"With {name} of {low:.3g} or more, {shares[0]:.0%} of {len(above)} trials overfit; with less, {shares[1]:.0%} "
        f"of {len(below)}."
    )
    return MoreOf(name, low, float(domain.high), is_searched=True, because=because)
