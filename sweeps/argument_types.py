"""Checks that the arguments of a Python call have the types that the settings declare."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from sweeps.errors import UsageError


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "int": (_is_whole, "a whole number"),
    "float": (_is_number, "a number"),
    "str": (lambda value: isinstance(value, str), "text"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "Path": (lambda value: isinstance(value, Path), "a path"),
    "Space": (lambda value: type(value).__name__ == "Space", "the space of a study"),
    "Mapping[str, Any]": (lambda value: isinstance(value, Mapping), "a mapping"),
    "None": (lambda value: value is None, "None"),
    "tuple[str, ...]": (
        lambda value: isinstance(value, tuple) and all(isinstance(each, str) for each in value),
        "a list of texts",
    ),
    "tuple[Path, ...]": (
        lambda value: isinstance(value, tuple) and all(isinstance(each, Path) for each in value),
        "a list of paths",
    ),
}


def check_types(settings: Any) -> None:
    """Raises UsageError if a field of the dataclass `settings` has another type than declared."""
    for field in fields(settings):
        value, kinds = getattr(settings, field.name), _kinds_of(field)
        if kinds and not any(is_one(value) for is_one, _ in kinds):
            meant = " or ".join(words for _, words in kinds)
            raise UsageError(
                f"{type(settings).__name__}({field.name}=…) must be {meant}, not {value!r:.60} (a "
                f"{type(value).__name__})."
            )


def _kinds_of(field: Field[Any]) -> list[tuple[Callable[[Any], bool], str]]:
    """The types that the annotation allows, each as a test and in words; empty if it is not checked here."""
    parts = [part.strip() for part in str(field.type).split("|")]
    return [_KINDS[part] for part in parts] if all(part in _KINDS for part in parts) else []
