"""Converts values of a loaded YAML document to plain Python values and back, and shortens them for messages."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarbool import ScalarBoolean

from search_spaces.schema import Scalar

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80


def plain(value: Any) -> Scalar:
    """A loaded scalar as a plain Python value; the loader returns subclasses."""
    if value is None or isinstance(value, bool | ScalarBoolean):
        return None if value is None else bool(value)
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping | list):
        return value  # type: ignore[return-value]
    return str(value)


def deep(value: Any) -> Any:
    """A loaded value as plain lists, mappings and scalars."""
    if isinstance(value, Mapping):
        return {str(key): deep(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [deep(each) for each in value]
    return plain(value)


def is_nested(choice: Any) -> bool:
    """Whether a choice is a list or a mapping, not a single value."""
    return isinstance(choice, list | tuple | Mapping)


def commented(value: Any) -> Any:
    """A plain value, with mappings of the type that the YAML loader returns. NumPy numbers become Python's."""
    if isinstance(value, Mapping):
        return CommentedMap({key: commented(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return [commented(each) for each in value]
    return value.item() if hasattr(value, "item") else value


def shown(value: Any) -> str:
    """A value for messages, cut to a line or two."""
    return _SHORT.repr(plain(value))
