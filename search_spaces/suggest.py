"""Asks an Optuna trial for the parameters of a space."""

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

from search_spaces.schema import Categorical, Fixed, Numeric, Parameter, Space


def suggest(space: Space, trial: Trial) -> dict[str, Any]:
    """The values of all active parameters: chosen by `trial`'s sampler, or fixed."""
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
    """The Optuna distribution of a parameter; None if it is fixed."""
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
    """The distributions of the chosen parameters that are searched."""
    found = {}
    for parameter in space:
        of_parameter = distribution(parameter) if parameter.name in chosen else None
        if of_parameter is not None:
            found[parameter.name] = of_parameter
    return found
