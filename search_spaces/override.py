"""Reads a domain from the command line: `lr=1e-4..1e-1:log`, `optimizer=adam,sgd`, `dropout=0`."""

from __future__ import annotations

import math
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from search_spaces.errors import SpaceError
from search_spaces.reader import Reader
from search_spaces.schema import Domain, Fixed, Numeric, Space


def parse_override(text: str, space: Space, kind: type | None) -> tuple[str, Domain]:
    """A domain from `key=value` (fixed), `key=a,b,c` (choices) or `key=lo..hi` (a range; `:log` makes it logarithmic).

    `kind` is the parameter's type, if known. A range keeps the scale that the space gives the parameter, unless
    `:log` or `:linear` says otherwise. Raises SpaceError for anything else.
    """
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise SpaceError(f"{text!r} is neither key=value nor key=lo..hi nor key=a,b,c.")
    if ".." in value:
        return name, _range(text, name, value, space, kind)
    if "," in value:
        record = CommentedMap(choices=[_finite(text, part) for part in value.split(",") if part])
        return name, Reader("command line").domain(name, record)
    return name, Fixed(_finite(text, value))


def _finite(text: str, value: str) -> Any:
    found = _scalar(value)
    if isinstance(found, float) and not math.isfinite(found):
        raise SpaceError(f"{text}: {value!r} is not a finite number, a word, true, false or null.")
    return found


def _range(text: str, name: str, value: str, space: Space, kind: type | None) -> Numeric:
    bounds, _, scale = value.partition(":")
    if scale not in ("", "log", "linear"):
        raise SpaceError(f"{text}: {scale!r} is no scale; write {name}={bounds}:log or :linear.")
    low, _, high = bounds.partition("..")
    record = CommentedMap(low=_scalar(low), high=_scalar(high))
    known = space[name].domain if name in space else None
    if scale == "log" or (not scale and isinstance(known, Numeric) and known.log):
        record["log"] = True
    parsed = Reader("command line").domain(name, record)
    assert isinstance(parsed, Numeric)
    integer = parsed.integer if kind is None else kind is int
    if kind is None and isinstance(known, Numeric):
        integer = known.integer
    return Numeric(parsed.low, parsed.high, parsed.log, None, integer)


def _scalar(text: str) -> Any:
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text
