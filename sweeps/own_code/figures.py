"""Makes a Round from the figures that a user's code reports, under various names."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from objectives.errors import CodeError
from objectives.round import FIGURES, RESERVED, Cost, Round
from objectives.spelling import did_you_mean

# Names that frameworks use for the figures of a Round, besides our own names.
_ALSO_CALLED = {
    "valid_loss": ("val_loss", "eval_loss", "validation_loss"),
    "train_loss": ("loss", "training_loss"),
    "learning_rate": ("lr",),
}


def round_of(index: int, figures: Mapping[str, Any], metric: str, cost: Cost | None = None) -> Round:
    """Round `index` from named numbers, which must contain `metric`.

    `train_METRIC` is the metric on training rows. Losses and other figures of a Round are also found under the names
    that frameworks use. All other numbers are kept under their own names. Raises CodeError for a missing metric, a name
    of another column, or a value that is not one number.
    """
    plain = {_name(name): _number(name, value) for name, value in figures.items()}
    if metric not in plain:
        raise CodeError(_lacks(metric, plain))
    known: dict[str, float] = {"valid_score": plain.pop(metric)}
    if (train := plain.pop(f"train_{metric}", None)) is not None:
        known["train_score"] = train
    if metric in _names_of("valid_loss"):  # the loss is what is optimised
        known["valid_loss"] = known["valid_score"]
        if (loss := _first(plain, _names_of("train_loss"))) is not None:
            known.setdefault("train_score", loss)
    for name in FIGURES:
        if name not in ("index", *known) and (value := _taken(plain, _names_of(name))) is not None:
            known[name] = value
    for name in plain:
        if name in RESERVED:
            raise CodeError(
                f"trial.report: {name!r} is the name of another column. Give this number another name."
            )
    return Round(index=index, extra=plain, cost=cost, **known)


def _names_of(figure: str) -> tuple[str, ...]:
    return (figure, *_ALSO_CALLED.get(figure, ()))


def _first(figures: Mapping[str, float], names: Iterable[str]) -> float | None:
    return next((figures[name] for name in names if name in figures), None)


def _taken(figures: dict[str, float], names: Iterable[str]) -> float | None:
    return next((figures.pop(name) for name in names if name in figures), None)


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or len(name) > 100:
        raise CodeError(f"trial.report: a number's name must be text of 1 to 100 characters, not {name!r}.")
    return name


def _number(name: str, value: Any) -> float:
    if hasattr(value, "item") and getattr(value, "size", 1) != 0:  # numpy's scalars, tensors of one number
        try:
            value = value.item()
        except (RuntimeError, ValueError):
            raise CodeError(f"trial.report({name}=…): {_shape(value)}. Report one number.") from None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise CodeError(f"trial.report({name}=…): {value!r:.100} is a {type(value).__name__}, not a number.")
    try:
        return float(value)
    except OverflowError:
        raise CodeError(f"trial.report({name}=…): the number is too large for a float.") from None


def _shape(value: Any) -> str:
    return f"a {type(value).__name__} of shape {tuple(getattr(value, 'shape', ()))} contains several numbers"


def _lacks(metric: str, figures: Mapping[str, float]) -> str:
    told = ", ".join(figures)
    lacks = (
        f"{told} {'was' if len(figures) == 1 else 'were'} reported, but not the metric {metric!r}"
        if figures
        else f"no figure was reported, not even the metric {metric!r}"
    )
    call = f"trial.report({metric}=…)" if metric.isidentifier() else f'trial.report({{"{metric}": …}})'
    return (
        f"trial.report: {lacks}{did_you_mean(metric, figures)} Report it in each round, as {call}, or name another "
        "metric with metric=…."
    )
