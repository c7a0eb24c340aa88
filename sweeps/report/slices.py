"""Slices: for one knob (a parameter that varies), each trial's score over its value, and the best score in each part.

The best scores make the isolation plot of the Deep Learning Tuning Playbook: in each part, the other knobs have the
best values that the study found, so the plot shows the effect of this knob alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from search_spaces import Numeric
from sweeps.report.knobs import MOST_VALUES, Group, Knob, knob, values_of, varying
from sweeps.report.study_facts import StudyFacts


@dataclass(frozen=True)
class SlicePoint:
    """A trial in a slice. score: None if the trial has no usable result."""

    trial: int
    value: Any
    score: float | None


@dataclass(frozen=True)
class Isolated:
    """The best score among the trials whose value of the knob lies in one group of values.

    trial, score: None if none of these trials is complete.
    """

    group: Group
    trial: int | None
    score: float | None


@dataclass(frozen=True)
class Slice:
    """The slice of one searched knob.

    is_range: whether the axis shows numbers; if not, it has one place for each group. log: whether it is logarithmic.
    """

    knob: Knob
    is_range: bool
    log: bool
    points: list[SlicePoint]
    isolated: list[Isolated]

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.knob.name


def slices(facts: StudyFacts) -> list[Slice]:
    """The slices of the searched knobs that vary, in the order of the space."""
    values = values_of(facts.study, facts.table)
    searched = {name for trial in facts.table for name in trial.params}
    return [_slice(facts, name, values) for name in varying(values) if name in searched]


def _slice(facts: StudyFacts, name: str, values: dict[str, list[Any]]) -> Slice:
    found, scores = knob(facts.study, name, values), _scores(facts)
    points = [
        SlicePoint(trial.number, value, scores.get(trial.number))
        for trial, value in zip(facts.table, values[name], strict=True)
    ]
    numbers = [point.value for point in points if point.value is not None]
    plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)
    domain = facts.ranges.get(name)
    is_range = domain is not None or (plain and len(found.groups) > MOST_VALUES)
    log = domain.log if isinstance(domain, Numeric) else _spans_decades(numbers) if is_range else False
    return Slice(found, is_range, log, points, _isolated(facts, found, points))


def _scores(facts: StudyFacts) -> dict[int, float]:
    spoilt = {trial.number for trial in facts.spoilt}
    return {
        trial.number: float(trial.value)
        for trial in facts.ranked
        if trial.value is not None and math.isfinite(trial.value) and trial.number not in spoilt
    }


def _spans_decades(numbers: list[Any]) -> bool:
    return bool(numbers) and min(numbers) > 0 and max(numbers) > 100 * min(numbers)


def _isolated(facts: StudyFacts, found: Knob, points: list[SlicePoint]) -> list[Isolated]:
    metric = facts.study.spec.metric
    best: dict[int, tuple[int, float]] = {}
    for point in points:
        at = found.group_of(point.value)
        if point.score is not None and (at not in best or metric.is_better(point.score, best[at][1])):
            best[at] = (point.trial, point.score)
    return [Isolated(group, *best.get(k, (None, None))) for k, group in enumerate(found.groups)]
