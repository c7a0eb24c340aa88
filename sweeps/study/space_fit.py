"""Checks a search space against the parameters of a task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives import Task
from objectives.errors import ObjectiveError
from objectives.parameters.kinds import ParameterKind, parameter_kinds
from objectives.spelling import did_you_mean
from search_spaces import (
    Categorical,
    Fixed,
    Numeric,
    Space,
    SpaceError,
    built_in_space_path,
    parse_override,
    read_space,
)
from search_spaces.schema import Domain, Parameter
from sweeps.errors import UsageError
from sweeps.study.own_space import given_space


def resolve_space(
    task: Task, path: Path | Mapping[str, Any] | Space | None, overrides: tuple[str, ...]
) -> Space:
    """The space with overrides. Every parameter and value is checked.

    path: a YAML file or a mapping; None for the task's own space.
    """
    if path is None:
        path = built_in_space_path(task.name)
        if path is None:
            raise UsageError(f"{task.name} has no search space of its own. Give one with --space FILE.yaml.")
    return overridden_space(task, given_space(path), overrides)


def overridden_space(task: Task, space: Space, overrides: tuple[str, ...]) -> Space:
    """`space` with overrides. Every parameter and value is checked against the task."""
    kinds = parameter_kinds(task.Parameters)
    overridden: set[str] = set()
    for text in overrides:
        name = text.partition("=")[0]
        if "=" in text and name not in kinds:
            raise UsageError(
                f"{text}: {task.name} has no parameter {name!r}{did_you_mean(name, kinds)} It has: {', '.join(kinds)}."
            )
        name, domain = parse_override(text, space, kinds[name].type if name in kinds else None)
        if name in overridden:
            raise UsageError(f"{text}: {name} is given twice. Remove one of them.")
        overridden.add(name)
        space = space.with_domain(name, _fitted_domain(domain, kinds[name], task, text))
    space = dataclasses.replace(
        space, parameters=tuple(_fitted(parameter, kinds, task, space) for parameter in space)
    )
    _check_batch_norm(space, task)
    return space


def _fitted(parameter: Parameter, kinds: Mapping[str, Any], task: Task, space: Space) -> Parameter:
    """The parameter with its values converted to the task's types. Raises SpaceError if they do not fit."""
    place = f"{space.source}:{parameter.line}" if parameter.line else space.source
    if parameter.name not in kinds:
        raise SpaceError(
            f"{place}: {task.name} has no parameter {parameter.name!r}{did_you_mean(parameter.name, kinds)} "
            f"It has: {', '.join(kinds)}."
        )
    return dataclasses.replace(
        parameter, domain=_fitted_domain(parameter.domain, kinds[parameter.name], task, place)
    )


def _fitted_domain(domain: Domain, kind: ParameterKind, task: Task, place: str) -> Domain:
    def checked(value: Any) -> Any:
        return getattr(task.parameters_from({kind.name: value}), kind.name)

    try:
        match domain:
            case Fixed():
                return Fixed(checked(domain.value))
            case Categorical():
                return Categorical(tuple(checked(choice) for choice in domain.choices))
            case Numeric():
                for bound in (domain.low, domain.high):
                    checked(bound)
                if kind.type is int and domain.step is not None and not domain.step.is_integer():
                    raise SpaceError(f"{place}: {kind.name}: step {domain.step:g} is not a whole number.")
                return dataclasses.replace(domain, integer=kind.type is int)
    except ObjectiveError as error:
        raise SpaceError(f"{place}: {error}") from None


def _check_batch_norm(space: Space, task: Task) -> None:
    """Raises SpaceError if batch norm can be on with batches of one row: it needs two."""
    kinds = parameter_kinds(task.Parameters)
    if "batch_norm" not in kinds or "batch_size" not in kinds:
        return
    size = space["batch_size"].domain if "batch_size" in space else Fixed(kinds["batch_size"].default)
    if not (size.contains(1)):
        return
    if "batch_norm" not in space:
        may_be_on = kinds["batch_norm"].default is True
        guarded = False
    else:
        parameter = space["batch_norm"]
        may_be_on = parameter.domain.contains(True)
        guarded = any(c.parameter == "batch_size" and not c.holds({"batch_size": 1}) for c in parameter.when)
    if may_be_on and not guarded:
        raise SpaceError(
            f"{space.source}: batch_norm: it needs batches of at least two rows, but batch_size may be 1. "
            "Write batch_size above it and add `when: {batch_size: {min: 2}}`, or fix batch_norm=false."
        )


def _enqueued(path: Path, task: Task, space: Space, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The point of the space given by a YAML file's `parameters` (or `space`).

    Raises SpaceError if it lies outside the space, because the trial must be what the file says.
    """
    given = read_space(path)
    wanted: dict[str, Any] = {}
    for parameter in given:
        if not isinstance(parameter.domain, Fixed):
            raise SpaceError(
                f"{path}:{parameter.line}: {parameter.name}: --enqueue takes values, not ranges."
            )
        wanted[parameter.name] = parameter.domain.value
    wanted = {**wanted, **_checked(path, task, wanted)}
    chosen: dict[str, Any] = {}
    for parameter in space:
        if not parameter.is_active(chosen):
            _check_inactive(path, parameter, wanted, defaults)
            continue
        value = wanted.get(parameter.name, defaults[parameter.name])
        if not parameter.domain.contains(value):
            raise SpaceError(f"{path}: {_outside(parameter, value)}, or edit the file.")
        chosen[parameter.name] = value
    for name, value in wanted.items():
        if name not in space and value != defaults.get(name):
            raise SpaceError(
                f"{path}: {name} is {value!r}, but this study does not search {name}: all its trials have the "
                f"default, {defaults.get(name)!r}. To use {value!r} in all trials, add {name}={value} to the command; "
                f"else remove {name} from the file."
            )
    return chosen


def _check_inactive(
    path: Path, parameter: Parameter, wanted: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    """Raises SpaceError if a file gives a value to a parameter whose condition does not hold."""
    name = parameter.name
    value = False if isinstance(defaults[name], bool) else defaults[name]
    if wanted.get(name, value) != value:
        raise SpaceError(
            f"{path}: {name} is {wanted[name]!r}, but its condition does not hold with the other values of this file, "
            f"so a trial would use {value!r}. Use a space without this condition (--space), or edit the file."
        )


def _outside(parameter: Parameter, value: Any) -> str:
    name, domain = parameter.name, parameter.domain
    match domain:
        case Fixed():
            return f"{name}: {value!r}, but {name} is fixed to {domain.value!r}: remove that override"
        case Categorical():
            choices = ", ".join(repr(choice) for choice in domain.choices)
            return f"{name}: {value!r} is not among the choices {choices}: give a wider space with --space"
    reach = f"{domain.low:g} … {domain.high:g}"
    return f"{name}: {value!r} lies outside the range {reach}: widen the range with {name}=lo..hi"


def _checked(path: Path, task: Task, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: getattr(task.parameters_from(values), name) for name in values}
    except ObjectiveError as error:
        raise SpaceError(f"{path}: {error}") from None
