"""The types of a task's parameters, and the check of a value."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from objectives.errors import ParametersError


@dataclass(frozen=True)
class ParameterKind:
    """The type of a parameter: a number, a switch or one of several words, with or without None."""

    name: str
    type: type
    choices: tuple[Any, ...] = ()
    optional: bool = False
    default: Any = field(default=None, compare=False)

    def check(self, value: Any) -> Any:
        """`value` converted to the parameter's type: 2.0 may become an int, and 1 a float.

        Raises ParametersError if it has another type.
        """
        if value is None and self.optional:
            return None
        if self.choices:
            for choice in self.choices:
                if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                    return choice
            words = ", ".join(str(choice) for choice in self.choices)
            raise ParametersError(f"{self.name}: {value!r} is not one of {words}.")
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
        if self.type is float and is_number:
            return float(value)
        if self.type is int and is_number and float(value).is_integer():
            return int(value)
        if self.type in (bool, str) and isinstance(value, self.type):
            return value
        raise ParametersError(f"{self.name}: {value!r} is not {_NAMES_OF_TYPES[self.type]}.")


_NAMES_OF_TYPES = {
    float: "a finite number",
    int: "a whole number",
    bool: "true or false",
    str: "a word",
}


def _is_finite(value: float) -> bool:
    return abs(value) <= sys.float_info.max


def parameter_kinds(parameters: type[Any]) -> dict[str, ParameterKind]:
    """The type of each field of a task's `Parameters`, by name, in the order of declaration."""
    hints = typing.get_type_hints(parameters)
    return {
        declared.name: _kind(declared.name, hints[declared.name], declared.default)
        for declared in dataclasses.fields(parameters)
    }


def _kind(name: str, hint: Any, default: Any) -> ParameterKind:
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    optional = type(None) in members
    inner = [member for member in members if member is not type(None)]
    if len(inner) == 1 and typing.get_origin(inner[0]) is Literal:
        choices = typing.get_args(inner[0])
        return ParameterKind(name, type(choices[0]), choices, optional, default)
    if len(inner) != 1 or inner[0] not in _NAMES_OF_TYPES:
        raise TypeError(
            f"{name} is of type {hint}, but must be float, int, bool, str or a Literal of these, with or without None"
        )
    return ParameterKind(name, inner[0], (), optional, default)
