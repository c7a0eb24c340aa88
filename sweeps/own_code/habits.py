"""Errors for code that uses a trial like another tool's trial. Each message says what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from objectives.errors import CodeError
from objectives.spelling import did_you_mean

_PARAMETERS = ("config", "hparams", "hyperparameters", "hyperparams", "parameters", "args")
_STOPS = ("should_prune", "should_stop", "pruned")


class NoSuchAttribute(CodeError, AttributeError):
    """An attribute that a trial does not have."""


class NoSuchItem(CodeError, TypeError):
    """An item, as in `trial["lr"]`, that a trial does not have."""


def no_attribute(name: str, known: Collection[str]) -> NoReturn:
    """Raises NoSuchAttribute with what to write instead of `trial.NAME`."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name.startswith("suggest_"):
        instead = (
            'read parameters from trial.params, as in trial.params["lr"], and give their ranges in space={…}. To sweep '
            "an Optuna objective, which asks for parameters as it runs, remove @sweeps.objective"
        )
    elif name in _STOPS:
        instead = (
            "a loop over trial.rounds() ends by itself; without it, trial.report(…) returns whether to stop"
        )
    elif name in _PARAMETERS:
        instead = 'read parameters from trial.params, as in trial.params["lr"]'
    else:
        meant = did_you_mean(name, known)
        raise NoSuchAttribute(f"trial.{name}: a trial has no {name!r}{meant} It has: {', '.join(known)}.")
    raise NoSuchAttribute(f"trial.{name}: a trial has no {name!r}: {instead}.")


def no_item(name: object) -> NoReturn:
    """Raises NoSuchItem for `trial[NAME]`."""
    raise NoSuchItem(f"trial[{name!r}]: write trial.params[{name!r}].")


def no_parameter_attribute(name: str) -> NoReturn:
    """Raises NoSuchAttribute for `trial.params.NAME`."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise NoSuchAttribute(
        f"trial.params.{name}: the parameters are a dict. Write trial.params[{name!r}], or make an object with "
        "types.SimpleNamespace(**trial.params)."
    )


def takes_small_seeds(error: BaseException) -> str:
    """What to write, if numpy or scikit-learn refused a seed of more than 32 bits; empty for any other error."""
    if not any(limit in str(error) for limit in ("2**32 - 1", "[0, 4294967295]")):
        return ""
    return "trial.seed has more bits than numpy and scikit-learn take. Write trial.seed % 2**32 there."


def check_figures(figures: Any, others: tuple[Any, ...], metric: str) -> None:
    """Raises CodeError for figures without names, as in `trial.report(value, step)`."""
    if others or not (figures is None or isinstance(figures, Mapping)):
        given = ", ".join(f"{each!r:.40}" for each in (figures, *others))
        named = f"trial.report({metric}=…)" if metric.isidentifier() else f'trial.report({{"{metric}": …}})'
        raise CodeError(
            f"trial.report({given}): figures need names. Write {named}. The rounds are counted for you."
        )


def check_named(call: str, unnamed: tuple[Any, ...]) -> None:
    """Raises CodeError for states without names, as in `trial.save(model)`."""
    if unnamed:
        kinds = ", ".join(type(each).__name__ for each in unnamed)
        raise CodeError(
            f"trial.{call}({kinds}): states need names. Write trial.{call}(model=model, optimizer=optimizer)."
        )


def check_no_number(given: tuple[Any, ...]) -> None:
    """Raises CodeError for `trial.rounds(20)`."""
    if given:
        raise CodeError(
            f"trial.rounds({', '.join(map(repr, given))}): this method takes no number. Set the number of rounds with "
            "@sweeps.objective(rounds=…) or --rounds. The code reads it from trial.num_rounds."
        )
