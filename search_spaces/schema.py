"""A search space as plain values: parameters in order, each with its condition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class Condition:
    """When a parameter is searched: `parameter` has one of `values`, or lies within `low` … `high`."""

    parameter: str
    values: tuple[Scalar, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    def holds(self, chosen: Mapping[str, Any]) -> bool:
        """Whether it holds for the values chosen so far; a parameter not chosen holds nothing."""
        if self.parameter not in chosen:
            return False
        value = chosen[self.parameter]
        if self.values:
            return any(value == wanted and type(value) is type(wanted) for wanted in self.values)
        return isinstance(value, int | float) and self.low <= value <= self.high

    def to_dict(self) -> Any:
        """As it is written in YAML."""
        if self.values:
            return {self.parameter: self.values[0] if len(self.values) == 1 else list(self.values)}
        bounds = {}
        if self.low > -math.inf:
            bounds["min"] = self.low
        if self.high < math.inf:
            bounds["max"] = self.high
        return {self.parameter: bounds}


@dataclass(frozen=True)
class Numeric:
    """A range of numbers, both ends included; `step` makes it a ladder."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integer: bool = False

    def contains(self, value: Any) -> bool:
        """Whether `value` lies within (and on the ladder, to rounding)."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not self.low <= value <= self.high or (self.integer and value != int(value)):
            return False
        if self.step is None:
            return True
        rungs = (value - self.low) / self.step
        return abs(rungs - round(rungs)) < 1e-6

    def nearest(self, value: Any) -> Any:
        """The value within the range that is nearest to `value`; its low end where `value` is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._typed(self.low)
        inside = min(max(float(value), self.low), self.high)
        if self.step is not None:
            inside = self.low + round((inside - self.low) / self.step) * self.step
        return self._typed(min(inside, self.high))

    def grid(self) -> list[Any] | None:
        """Every value, where they can be counted; else None."""
        step = self.step or (1 if self.integer and not self.log else None)
        if step is None:
            return None if self.low < self.high else [self._typed(self.low)]
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        return [self._typed(self.low + k * step) for k in range(count)]

    def to_dict(self) -> dict[str, Any]:
        """As it is written in YAML."""
        record: dict[str, Any] = {"low": self._typed(self.low), "high": self._typed(self.high)}
        if self.log:
            record["log"] = True
        if self.step is not None:
            record["step"] = self._typed(self.step)
        return record

    def _typed(self, value: float) -> Any:
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class Categorical:
    """One of some values."""

    choices: tuple[Scalar, ...]

    def contains(self, value: Any) -> bool:
        """Whether `value` is one of the choices (true is not 1)."""
        return any(value == choice and type(value) is type(choice) for choice in self.choices)

    def nearest(self, value: Any) -> Any:
        """`value` itself where it is a choice; else the nearest number; else the first choice."""
        if self.contains(value):
            return value
        numbers = [c for c in self.choices if isinstance(c, int | float) and not isinstance(c, bool)]
        if numbers and isinstance(value, int | float) and not isinstance(value, bool):
            return min(numbers, key=lambda choice: abs(choice - value))
        return self.choices[0]

    def grid(self) -> list[Any] | None:
        """The choices."""
        return list(self.choices)

    def to_dict(self) -> dict[str, Any]:
        """As it is written in YAML."""
        return {"choices": list(self.choices)}


@dataclass(frozen=True)
class Fixed:
    """One value: the parameter is not searched."""

    value: Scalar

    def contains(self, value: Any) -> bool:
        """Whether it is that value."""
        return bool(value == self.value)

    def nearest(self, value: Any) -> Any:
        """That value."""
        return self.value

    def grid(self) -> list[Any] | None:
        """That value."""
        return [self.value]

    def to_dict(self) -> Any:
        """As it is written in YAML: the plain value."""
        return self.value


Domain = Numeric | Categorical | Fixed


@dataclass(frozen=True)
class Parameter:
    """A named domain and the conditions under which it is searched (all must hold)."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    line: int | None = None

    def is_active(self, chosen: Mapping[str, Any]) -> bool:
        """Whether it is to be chosen, given the values chosen before it."""
        return all(condition.holds(chosen) for condition in self.when)


@dataclass(frozen=True)
class Space:
    """Parameters in the order in which they are chosen, and the file they came from."""

    parameters: tuple[Parameter, ...]
    source: str = ""

    def __iter__(self) -> Any:
        return iter(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def __contains__(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    @property
    def searched(self) -> list[Parameter]:
        """The parameters that are not fixed."""
        return [parameter for parameter in self.parameters if not isinstance(parameter.domain, Fixed)]

    def with_domain(self, name: str, domain: Domain) -> Space:
        """The same space with another domain for `name`, in its place, or first where it is new."""
        if name in self:
            parameters = tuple(
                replace(parameter, domain=domain) if parameter.name == name else parameter
                for parameter in self.parameters
            )
        else:
            parameters = (Parameter(name, domain), *self.parameters)
        return replace(self, parameters=parameters)

    def to_dict(self) -> dict[str, Any]:
        """As it is written in YAML, without the file: what a study's fingerprint is made of."""
        record: dict[str, Any] = {}
        for parameter in self.parameters:
            domain = parameter.domain.to_dict()
            if parameter.when:
                domain = domain if isinstance(domain, dict) else {"choices": [domain]}
                domain["when"] = {k: v for c in parameter.when for k, v in c.to_dict().items()}
            record[parameter.name] = domain
        return record
