"""A search space as plain values: parameters in order, each with its conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeGuard

Scalar = bool | int | float | str | None


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether `value` is a finite number. true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same: 1 equals 1.0, but true does not equal 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@dataclass(frozen=True)
class Condition:
    """A condition: `parameter` has one of `values`, or lies within `low` … `high`."""

    parameter: str
    values: tuple[Scalar, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    def holds(self, chosen: Mapping[str, Any]) -> bool:
        """Whether the condition holds for the values chosen so far. It does not hold if `parameter` was not chosen."""
        if self.parameter not in chosen:
            return False
        value = chosen[self.parameter]
        if self.values:
            return any(_same(value, wanted) for wanted in self.values)
        return is_number(value) and self.low <= value <= self.high

    @classmethod
    def from_dict(cls, parameter: str, wanted: Any) -> Condition:
        """The condition on `parameter` that `to_dict` wrote as `wanted`."""
        if isinstance(wanted, Mapping):
            return cls(parameter, low=wanted.get("min", -math.inf), high=wanted.get("max", math.inf))
        return cls(parameter, tuple(wanted) if isinstance(wanted, list) else (wanted,))

    def to_dict(self) -> Any:
        """The form that YAML files contain."""
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
    """An inclusive range of numbers. With `step`, it has only the values low, low + step, low + 2 step, …"""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integer: bool = False

    def contains(self, value: Any) -> bool:
        """Whether `value` lies in the range and, up to rounding, on a step."""
        if not is_number(value):
            return False
        if not self.low <= value <= self.high or (self.integer and value != int(value)):
            return False
        if self.step is None:
            return True
        rungs = (value - self.low) / self.step
        return abs(rungs - round(rungs)) < 1e-6

    def nearest(self, value: Any) -> Any:
        """The value in the range that is nearest to `value`; its low end if `value` is not a number."""
        if not is_number(value):
            return self._typed(self.low)
        inside = min(max(float(value), self.low), self.high)
        if self.step is not None:
            return self._rung(min(round((inside - self.low) / self.step), self._num_rungs() - 1))
        return self._typed(inside)

    @property
    def last(self) -> Any:
        """The largest value: `high`, or the last step below it."""
        return self._typed(self.high) if self.step is None else self._rung(self._num_rungs() - 1)

    def reaches_into(self, low: float, high: float) -> bool:
        """Whether a value of this range lies within `low` … `high`."""
        low, high = max(low, self.low), min(high, self.high)
        if low > high or (self.step is None and not self.integer):
            return low <= high
        step = self.step or 1.0
        return self.low + math.ceil((low - self.low) / step - 1e-9) * step <= high + 1e-9 * step

    def grid(self) -> list[Any] | None:
        """All values if they are countable, else None."""
        if self.step is None and (self.log or not self.integer):
            return None if self.low < self.high else [self._typed(self.low)]
        return [self._rung(k) for k in range(self._num_rungs())]

    def _num_rungs(self) -> int:
        low, high, step = (Decimal(repr(value)) for value in (self.low, self.high, self.step or 1.0))
        return int((high - low) // step) + 1

    def _rung(self, k: int) -> Any:
        """Step number `k`, computed in decimal arithmetic, so that three times 0.1 is 0.3."""
        return self._typed(float(Decimal(repr(self.low)) + k * Decimal(repr(self.step or 1.0))))

    def to_dict(self) -> dict[str, Any]:
        """The form that YAML files contain."""
        record: dict[str, Any] = {"low": self._typed(self.low), "high": self._typed(self.high)}
        if self.log:
            record["log"] = True
        if self.step is not None:
            record["step"] = self._typed(self.step)
        return record

    def meaning(self, value: Any) -> Any:
        """The value itself."""
        return value

    def _typed(self, value: float) -> Any:
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class Categorical:
    """A choice among values. meanings: if the choices are names, the value of any type that each name stands for."""

    choices: tuple[Scalar, ...]
    meanings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def contains(self, value: Any) -> bool:
        """Whether `value` is one of the choices (true is not 1)."""
        return any(_same(value, choice) for choice in self.choices)

    def nearest(self, value: Any) -> Any:
        """The choice that equals `value`; else the nearest number; else the first choice."""
        for choice in self.choices:
            if _same(value, choice):
                return choice
        numbers = [choice for choice in self.choices if is_number(choice)]
        if numbers and is_number(value):
            return min(numbers, key=lambda choice: abs(choice - value))
        return self.choices[0]

    def grid(self) -> list[Any] | None:
        """The choices."""
        return list(self.choices)

    def meaning(self, value: Any) -> Any:
        """The value that the training code gets for the choice `value`."""
        return self.meanings.get(value, value) if isinstance(value, str) else value

    def to_dict(self) -> dict[str, Any]:
        """The form that YAML files contain."""
        return {"choices": dict(self.meanings) if self.meanings else list(self.choices)}


@dataclass(frozen=True)
class Fixed:
    """A fixed value: the parameter is not searched."""

    value: Scalar

    def contains(self, value: Any) -> bool:
        """Whether `value` is the fixed value."""
        return _same(value, self.value)

    def nearest(self, value: Any) -> Any:
        """The fixed value."""
        return self.value

    def grid(self) -> list[Any] | None:
        """A list of the fixed value only."""
        return [self.value]

    def meaning(self, value: Any) -> Any:
        """The value itself."""
        return value

    def to_dict(self) -> Any:
        """The form that YAML files contain: the plain value."""
        return self.value


Domain = Numeric | Categorical | Fixed


def _domain(record: Any) -> Domain:
    """The domain that `to_dict` wrote. A single choice becomes Fixed: it is a fixed value with a condition."""
    if not isinstance(record, Mapping):
        return Fixed(record)
    if "choices" in record:
        choices = record["choices"]
        meanings = dict(choices) if isinstance(choices, Mapping) else {}
        first, *others = choices
        return Categorical((first, *others), meanings) if others or meanings else Fixed(first)
    low, high, step = record["low"], record["high"], record.get("step")
    integer = all(isinstance(value, int) for value in (low, high, step) if value is not None)
    return Numeric(
        float(low), float(high), record.get("log", False), None if step is None else float(step), integer
    )


@dataclass(frozen=True)
class Parameter:
    """A named domain, and its conditions. It is searched if all of them hold."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    line: int | None = field(default=None, compare=False)

    def is_active(self, chosen: Mapping[str, Any]) -> bool:
        """Whether a value of this parameter must be chosen, given the values chosen before it."""
        return all(condition.holds(chosen) for condition in self.when)


@dataclass(frozen=True)
class Space:
    """A search space: parameters in the order in which they are chosen.

    source: the file that they came from. note: a message to the user about that file; empty for none.
    """

    parameters: tuple[Parameter, ...]
    source: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    def __iter__(self) -> Any:
        return iter(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    @property
    def searched(self) -> list[Parameter]:
        """The parameters that are not fixed."""
        return [parameter for parameter in self.parameters if not isinstance(parameter.domain, Fixed)]

    def with_domain(self, name: str, domain: Domain) -> Space:
        """The space with another domain for `name`, at the same position. A new parameter becomes the first one."""
        if name in self:
            parameters = tuple(
                replace(parameter, domain=domain) if parameter.name == name else parameter
                for parameter in self.parameters
            )
        else:
            parameters = (Parameter(name, domain), *self.parameters)
        return replace(self, parameters=parameters)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Space:
        """The space that `to_dict` wrote. It is not checked; a user's space is read by `read_space`."""
        return cls(
            tuple(
                Parameter(
                    name,
                    _domain(domain),
                    tuple(Condition.from_dict(*each) for each in domain.get("when", {}).items())
                    if isinstance(domain, Mapping)
                    else (),
                )
                for name, domain in record.items()
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """The form that YAML files contain, without the file's name. It is part of a study's fingerprint."""
        record: dict[str, Any] = {}
        for parameter in self.parameters:
            domain = parameter.domain.to_dict()
            if parameter.when:
                domain = domain if isinstance(domain, dict) else {"choices": [domain]}
                domain["when"] = {k: v for c in parameter.when for k, v in c.to_dict().items()}
            record[parameter.name] = domain
        return record
