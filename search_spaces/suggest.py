"""From a space to parameters: asked of an Optuna trial, or counted off a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from search_spaces.errors import SpaceError
from search_spaces.schema import Categorical, Fixed, Numeric, Parameter, Space


def suggest(space: Space, trial: Trial) -> dict[str, Any]:
    """The values that `trial`'s sampler chooses for every active parameter, fixed ones included."""
    chosen: dict[str, Any] = {}
    for parameter in space:
        if not parameter.is_active(chosen):
            continue
        domain = parameter.domain
        match domain:
            case Fixed():
                chosen[parameter.name] = domain.value
            case Categorical():
                chosen[parameter.name] = trial.suggest_categorical(parameter.name, domain.choices)
            case Numeric(integer=True):
                chosen[parameter.name] = trial.suggest_int(
                    parameter.name,
                    int(domain.low),
                    domain.last,
                    step=int(domain.step or 1),
                    log=domain.log,
                )
            case Numeric():
                chosen[parameter.name] = trial.suggest_float(
                    parameter.name, domain.low, domain.last, step=domain.step, log=domain.log
                )
    return chosen


def distribution(parameter: Parameter) -> BaseDistribution | None:
    """The Optuna distribution of a parameter; None where it is fixed."""
    domain = parameter.domain
    match domain:
        case Categorical():
            return CategoricalDistribution(domain.choices)
        case Numeric(integer=True):
            return IntDistribution(int(domain.low), domain.last, log=domain.log, step=int(domain.step or 1))
        case Numeric():
            return FloatDistribution(domain.low, domain.last, log=domain.log, step=domain.step)
    return None


def distributions(space: Space, chosen: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """The distributions of those chosen parameters that are searched."""
    found = {}
    for parameter in space:
        of_parameter = distribution(parameter) if parameter.name in chosen else None
        if of_parameter is not None:
            found[parameter.name] = of_parameter
    return found


def with_fixed(space: Space, searched: Mapping[str, Any]) -> dict[str, Any]:
    """The searched values of a trial together with the fixed ones that were active."""
    chosen: dict[str, Any] = {}
    for parameter in space:
        if isinstance(parameter.domain, Fixed):
            if parameter.is_active(chosen):
                chosen[parameter.name] = parameter.domain.value
        elif parameter.name in searched:
            chosen[parameter.name] = searched[parameter.name]
    return chosen


def nearest(space: Space, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The point of the space nearest to `wanted`, parameter by parameter."""
    chosen: dict[str, Any] = {}
    for parameter in space:
        if parameter.is_active(chosen):
            chosen[parameter.name] = parameter.domain.nearest(wanted.get(parameter.name))
    return chosen


def cells(space: Space) -> list[dict[str, Any]]:
    """Every point of a space whose values can be counted; the last parameter turns fastest.

    Raises SpaceError, naming the parameter, for a range without steps.
    """
    points: list[dict[str, Any]] = [{}]
    for parameter in space:
        values = parameter.domain.grid()
        if values is None:
            place = f"{space.source}:{parameter.line}" if parameter.line else space.source
            raise SpaceError(
                f"{place}: {parameter.name}: a grid needs choices or a step here, not a continuous range; "
                f"write `choices: […]`, or fix it with {parameter.name}=VALUE."
            )
        points = [
            extended
            for point in points
            for extended in (
                [{**point, parameter.name: value} for value in values]
                if parameter.is_active(point)
                else [point]
            )
        ]
    return points
