"""Checks the configuration that a user adds to a study against the study's space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.registry import get_task
from objectives.spelling import did_you_mean
from search_spaces import Categorical, Fixed, Numeric, parse_override
from search_spaces.schema import Domain, is_number
from sweeps.errors import UsageError
from sweeps.study.space_fit import overridden_space
from sweeps.study.stored_study import Study
from sweeps.study.warm_start import LEARNING


def point_to_add(study: Study, words: tuple[str, ...]) -> dict[str, Any]:
    """The point that `key=value` words describe. A parameter that they do not name has its default.

    Raises UsageError for a value outside the space; the message names the command that widens the space.
    """
    spec = study.spec
    if spec.sampler == "list" or spec.probe is not None:
        raise UsageError(f"{study.name} is not a search, so no trials can be added to it.")
    if spec.pauses:
        raise UsageError(
            f"{study.name} pauses trials (--schedule {spec.schedule}), so no trials can be added to it. To try a "
            "configuration, launch a study with --enqueue FILE."
        )
    given = _values(study, words)
    if spec.is_open:
        return given  # the ranges are known only when the objective runs and asks for its parameters
    chosen: dict[str, Any] = {}
    for parameter in spec.space:
        name, domain = parameter.name, parameter.domain
        if not parameter.is_active(chosen):
            if name in given:
                raise UsageError(f"{name}: its condition does not hold with the other values. Remove {name}.")
            continue
        if name not in given and name not in spec.defaults and not isinstance(domain, Fixed):
            raise UsageError(f"A value of {name} is missing. Add {name}=VALUE ({_told(domain)}).")
        chosen[name] = (
            _inside(study, name, domain, given[name])
            if name in given
            else domain.nearest(spec.defaults.get(name))
        )
    for name in given.keys() - chosen.keys():
        _check_unsearched(study, name, given[name])
    return chosen


def _values(study: Study, words: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for text in words:
        name, domain = parse_override(text, study.spec.space, None)
        if not isinstance(domain, Fixed):
            raise UsageError(f"{text}: an added trial has one value for each parameter: {name}=VALUE.")
        if name in given:
            raise UsageError(f"{text}: {name} is given twice. Remove one of them.")
        given[name] = domain.value
    return given


def _inside(study: Study, name: str, domain: Domain, value: Any) -> Any:
    if isinstance(domain, Categorical):
        value = next((choice for choice in domain.choices if str(choice) == str(value)), value)
    if domain.contains(value):
        return domain.nearest(value)
    if isinstance(domain, Numeric) and not is_number(value):
        raise UsageError(
            f"{name}={value}: {name} must be a number. The space of {study.name} has {_told(domain)}."
        )
    raise UsageError(
        f"{name}={value} lies outside the space of {study.name}, which has {_told(domain)}. "
        f"{_remedy(study, wider(name, domain, value))}"
    )


def _check_unsearched(study: Study, name: str, value: Any) -> None:
    defaults: Mapping[str, Any] = study.spec.defaults
    if name not in defaults:
        known = list(dict.fromkeys([*(each.name for each in study.spec.space), *defaults]))
        raise UsageError(
            f"{study.name} has no parameter {name!r}{did_you_mean(name, known)} It has: {', '.join(known)}."
        )
    if defaults[name] != value:
        raise UsageError(
            f"{name}={value}: {name} is not searched in {study.name}. It is {defaults[name]} in every trial. "
            f"{_remedy(study, f'{name}={_text(defaults[name])},{_text(value)}')}"
        )


def wider(name: str, domain: Domain, value: Any) -> str:
    """The override (`name=…`, as on the command line) that widens a domain so that it contains `value`."""
    match domain:
        case Numeric() if isinstance(value, int | float) and not isinstance(value, bool):
            scale = ":log" if domain.log and value > 0 else ""
            return f"{name}={min(domain.low, value):g}..{max(domain.high, value):g}{scale}"
        case Numeric():
            return f"{name}={domain.low:g}..{domain.high:g}"
        case Categorical():
            return f"{name}={','.join(_text(each) for each in (*domain.choices, value))}"
    return f"{name}={_text(domain.value)},{_text(value)}"


def _remedy(study: Study, change: str) -> str:
    """The command that searches there, too. Raises UsageError if the task itself does not allow the value."""
    if study.spec.task.kind == "task":
        overridden_space(get_task(study.run.task or study.spec.task.name), study.spec.space, (change,))
    if study.spec.sampler in LEARNING:
        return f"To search there, too: {study.command('branch', change)}"
    return f"To search there, too, launch a new study with {change}."


def _told(domain: Domain) -> str:
    match domain:
        case Numeric():
            return f"{domain.low:g} … {domain.high:g}"
        case Categorical():
            return " | ".join(map(_text, domain.choices))
    return f"only {_text(domain.value)}"


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
