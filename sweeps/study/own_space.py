"""Finds the search space of a user's training function: in its code, in a YAML file beside it, or in the options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives.spelling import did_you_mean
from search_spaces import Fixed, Space, SpaceError, parse_override, read_space
from search_spaces.in_code import space_in_code
from search_spaces.schema import Parameter
from sweeps.errors import UsageError
from sweeps.own_code.find import OwnCode, OwnObjective
from sweeps.settings import StudySettings


def own_space(settings: StudySettings, code: OwnCode, found: OwnObjective) -> Space:
    """The space to search: that of --space, else of the code, else of FILE.yaml beside the code; then with overrides.

    If none of the three exists, the overrides are the space. Raises UsageError if the space is empty, and SpaceError.
    """
    space = overridden_own_space(_given(settings, code, found), code, settings.overrides)
    if not space.parameters:
        path = Path(code.sources.main.path)
        raise UsageError(
            f"{path.name} has no search space. Give @sweeps.objective a space={{…}}, write a space into "
            f"{path.with_suffix('.yaml').name} beside it, name a file with --space FILE.yaml, or write the space on "
            "the command line: lr=1e-5..1e-1:log."
        )
    return space


def overridden_own_space(space: Space, code: OwnCode, overrides: tuple[str, ...]) -> Space:
    """`space` with overrides; if `space` is empty, the overrides are the space. Raises UsageError and SpaceError."""
    known = [parameter.name for parameter in space]
    for text in overrides:
        name = text.partition("=")[0]
        if known and "=" in text and name not in known:
            raise UsageError(
                f"{text}: the space of {code.name} has no parameter {name!r}{did_you_mean(name, known)} It has: "
                f"{', '.join(known)}."
            )
        name, domain = parse_override(text, space, None)
        space = space.with_domain(name, domain) if name in space else _with_last(space, name, domain)
    return space


def fixed_parameters(settings: StudySettings, code: OwnCode) -> Space:
    """The fixed parameters of an Optuna objective, whose code sets the ranges.

    Raises UsageError for a space, and for an override that is not a single value.
    """
    if settings.space is not None:
        raise UsageError(
            f"--space: {code.name} is an Optuna objective, whose code sets the ranges. Remove --space, or decorate "
            "a function with @sweeps.objective."
        )
    space = Space(())
    for text in settings.overrides:
        name, domain = parse_override(text, space, None)
        if not isinstance(domain, Fixed):
            raise UsageError(
                f"{text}: the code of an Optuna objective sets the ranges. Here you can only fix a parameter, with "
                f"{name}=VALUE."
            )
        space = _with_last(space, name, domain)
    return space


def enqueued_point(path: Path, space: Space, *, is_open: bool) -> dict[str, Any]:
    """The point of the space given by a YAML file's `parameters` (or `space`). Raises SpaceError if there is none."""
    wanted: dict[str, Any] = {}
    for parameter in read_space(path):
        if not isinstance(parameter.domain, Fixed):
            raise SpaceError(
                f"{path}:{parameter.line}: {parameter.name}: --enqueue takes values, not ranges."
            )
        wanted[parameter.name] = parameter.domain.value
    if is_open:
        return wanted
    chosen: dict[str, Any] = {}
    for parameter in space:
        if parameter.is_active(chosen):
            chosen[parameter.name] = _value_in(path, parameter, wanted)
    if unknown := [name for name in wanted if name not in space]:
        raise SpaceError(
            f"{path}: {unknown[0]} is not in the space{did_you_mean(unknown[0], [p.name for p in space])}"
        )
    return chosen


def _value_in(path: Path, parameter: Parameter, wanted: Mapping[str, Any]) -> Any:
    if parameter.name not in wanted:
        if isinstance(parameter.domain, Fixed):
            return parameter.domain.value
        raise SpaceError(f"{path}: {parameter.name} has no value in this file.")
    value = wanted[parameter.name]
    for name, meaning in getattr(parameter.domain, "meanings", {}).items():
        if meaning == value:
            return name
    if not parameter.domain.contains(value):
        raise SpaceError(
            f"{path}: {parameter.name}: {value!r} lies outside the space, which has {parameter.domain.to_dict()}."
        )
    return value


def _given(settings: StudySettings, code: OwnCode, found: OwnObjective) -> Space:
    beside = Path(code.sources.main.path).with_suffix(".yaml")
    if settings.space is not None:
        return given_space(settings.space)
    if found.space is not None:
        return space_in_code(
            found.space, f"{Path(code.sources.main.path).name}: the space of {code.attribute}"
        )
    return read_space(beside) if beside.is_file() else Space((), "command line")


def given_space(space: Path | Mapping[str, Any] | Space) -> Space:
    """The space that a file, or a call of the Python API, gives. Raises SpaceError."""
    if isinstance(space, Space):
        return space
    return read_space(space) if isinstance(space, Path) else space_in_code(space, "space=…")


def _with_last(space: Space, name: str, domain: Any) -> Space:
    return Space((*space.parameters, Parameter(name, domain)), space.source)
