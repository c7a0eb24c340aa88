"""Checks a user's task class before it is used."""

from __future__ import annotations

import dataclasses
import re
import typing

from objectives.parameters.kinds import parameter_kinds
from objectives.task import Direction, Task

_NAME = re.compile(r"\w[\w.-]{0,79}", re.ASCII)
_NEEDED = ("name", "rounds", "chance_score", "data_sets", "Parameters")


def flaw_of(found: type[Task]) -> str | None:
    """What is wrong with the class, as the end of a sentence whose subject is the class; None if it is valid."""
    lacking = sorted(found.__abstractmethods__) + [name for name in _NEEDED if not hasattr(found, name)]
    if found.scores is Task.scores and not found.scores_whole_splits():
        lacking.append("scores (or split_score)")
    if lacking:
        return f"lacks {', '.join(lacking)}"
    return _flaw_of_attributes(found) or _flaw_of_parameters(found)


def _flaw_of_attributes(found: type[Task]) -> str | None:
    name, rounds, chance, direction, data_sets = (
        getattr(found, each) for each in ("name", "rounds", "chance_score", "direction", "data_sets")
    )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"has the name {name!r}, but a name must have 1 to 80 letters, digits, '_', '-' and '.'"
    if not isinstance(rounds, int) or rounds < 1:
        return f"has rounds = {rounds!r}, but this must be an integer of at least 1"
    if not isinstance(chance, int | float):
        return f"has chance_score = {chance!r}, but this must be a number"
    if direction not in typing.get_args(Direction):
        return f"has direction = {direction!r}, but this must be {' or '.join(typing.get_args(Direction))}"
    if (
        not isinstance(data_sets, tuple | list)
        or not data_sets
        or not all(isinstance(each, str) for each in data_sets)
    ):
        return f'has data_sets = {data_sets!r}, but this must be a tuple of names such as ("moons",)'
    return None


def _flaw_of_parameters(found: type[Task]) -> str | None:
    if not isinstance(found.Parameters, type) or not dataclasses.is_dataclass(found.Parameters):
        return "has Parameters that are not a dataclass"
    try:
        parameter_kinds(found.Parameters)
        found.Parameters()
        found()
    except (TypeError, ValueError, NameError) as error:
        return f"must be constructible without arguments, and so must its Parameters: {error}"
    return None
