"""Knobs: the parameters that vary in a study, and how their values are grouped.

A knob with few values has one group for each value. A range with many values is cut into parts of equal width on its
scale (linear or log), because a random search never draws the same learning rate twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.spelling import did_you_mean
from search_spaces import Numeric
from storage.trials import TrialRow
from sweeps.errors import UsageError
from sweeps.study.stored_study import Study

MOST_VALUES = 8  # a range with more distinct values is cut into parts
PARTS = 4


@dataclass(frozen=True)
class Group:
    """A group of values of a knob. label: its text. low, high: ends of a part of a range; both None for one value."""

    label: str
    value: Any = None
    low: float | None = None
    high: float | None = None

    def holds(self, value: Any) -> bool:
        """Whether `value` belongs to the group; the upper end of a part belongs to the next one."""
        if self.low is None or self.high is None:
            return isinstance(value, bool) == isinstance(self.value, bool) and bool(value == self.value)
        return value is not None and bool(self.low <= value < self.high)


@dataclass(frozen=True)
class Knob:
    """A parameter that varies in a study, with the groups of its values in order."""

    name: str
    groups: tuple[Group, ...]

    def group_of(self, value: Any) -> int:
        """The index of the group that `value` belongs to, from 0."""
        return next(index for index, group in enumerate(self.groups) if group.holds(value))


def values_of(study: Study, trials: Sequence[TrialRow]) -> dict[str, list[Any]]:
    """The values of each parameter, one for each trial; None if the parameter's condition does not hold there."""
    rows = []
    for trial in trials:
        row = study.parameters(trial)
        absent = {each.name for each in study.spec.space.searched if each.name not in trial.params}
        rows.append({name: None if name in absent else value for name, value in row.items()})
    names = dict.fromkeys(
        name for row in rows for name in row
    )  # an Optuna objective may ask for other parameters in each trial
    return {name: [row.get(name) for row in rows] for name in names}


def knob(study: Study, name: str, values: Mapping[str, Sequence[Any]], parts: int = PARTS) -> Knob:
    """The knob called `name`, with its groups. Raises UsageError if the study lacks or never varies it."""
    if name not in values:
        raise UsageError(
            f"{study.name} has no parameter {name!r}{did_you_mean(name, values)} "
            f"These vary: {', '.join(varying(values)) or 'none'}."
        )
    distinct = _distinct(values[name])
    if len(distinct) < 2:
        raise UsageError(
            f"{name} does not vary in {study.name}: it is always {distinct[0] if distinct else 'left out'}. "
            f"These vary: {', '.join(varying(values)) or 'none'}."
        )
    domain = study.spec.space[name].domain if name in study.spec.space else None
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) > MOST_VALUES and isinstance(domain, Numeric):
        return Knob(name, (*_parts(domain, parts), *_single(v for v in distinct if v is None)))
    return Knob(name, tuple(_single(distinct)))


def varying(values: Mapping[str, Sequence[Any]]) -> list[str]:
    """The parameters that have more than one value."""
    return [name for name, each in values.items() if len(_distinct(each)) > 1]


def position(domain: Numeric, value: float) -> float:
    """Where `value` lies in a range: 0 at its low end, 1 at its high end, measured on the range's scale."""
    low, high, at = (_scaled(domain, each) for each in (domain.low, domain.high, value))
    return (at - low) / (high - low) if high > low else 0.5


def value_at(domain: Numeric, share: float) -> float:
    """The value at a position of a range: the inverse of `position`."""
    low, high = _scaled(domain, domain.low), _scaled(domain, domain.high)
    scaled = low + share * (high - low)
    return math.exp(scaled) if domain.log else scaled


def _scaled(domain: Numeric, value: float) -> float:
    return math.log(value) if domain.log else float(value)


def _parts(domain: Numeric, parts: int) -> list[Group]:
    edges = [value_at(domain, index / parts) for index in range(parts + 1)]
    edges[-1] = math.inf  # the high end belongs to the last part
    shown = [*edges[:-1], domain.high]
    return [
        Group(
            f"{shown[k]:.3g} … {shown[k + 1]:.3g}", low=-math.inf if k == 0 else edges[k], high=edges[k + 1]
        )
        for k in range(parts)
    ]


def _single(values: Any) -> list[Group]:
    return [Group("left out" if value is None else _text(value), value) for value in values]


def _distinct(values: Sequence[Any]) -> list[Any]:
    """The values without repetition: numbers in order, others as they come, None last."""
    found = list({(isinstance(value, bool), value): value for value in values}.values())  # True is not 1
    if all(isinstance(value, int | float | None) for value in found):
        return sorted(found, key=lambda value: (value is None, value if value is not None else 0))
    return sorted(found, key=lambda value: value is None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
