"""A space written in Python: a mapping from a parameter's name to a range, a list of choices or a value.

`(low, high)` is a range; it contains only integers if both ends are integers. A list holds choices. `log`, `integer`,
`number`, `choice` and `when` make all other domains. Optuna's distributions can be used, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.errors import SpaceError
from search_spaces.reader import Reader
from search_spaces.schema import Space
from search_spaces.yaml_values import commented

Record = dict[str, Any]  # a domain as it is written in YAML


def log(low: float, high: float) -> Record:
    """A range of numbers from low to high, both included, on a logarithmic scale."""
    return {"low": float(low), "high": float(high), "log": True}


def integer(low: int, high: int, *, log: bool = False, step: int | None = None) -> Record:
    """A range of integers from low to high, both included. With step, it has only low, low + step, low + 2 step, …"""
    return _range(low, high, log=log, step=step)


def number(low: float, high: float, *, log: bool = False, step: float | None = None) -> Record:
    """A range of numbers from low to high, both included. With step, it has only low, low + step, low + 2 step, …"""
    return _range(float(low), float(high), log=log, step=None if step is None else float(step))


def choice(*values: Any, **named: Any) -> Record:
    """A choice among values. Lists and objects need names: `choice(small=[64, 64], large=[512, 256])`."""
    if values and named:
        raise SpaceError("choice(…) takes either plain values or named values, not both.")
    return {"choices": dict(named) if named else list(values)}


def when(domain: Any, **conditions: Any) -> Record:
    """A domain that is searched only if other parameters have the given values. They must come before it in the space.

    Each condition is a value, a list of values, or a range `(low, high)`.
    """
    record = _record(domain)
    plain = record if isinstance(record, Mapping) else {"choices": [record]}
    wanted = {
        name: {"min": value[0], "max": value[1]} if isinstance(value, tuple) and len(value) == 2 else value
        for name, value in conditions.items()
    }
    return {**plain, "when": wanted}


def space_in_code(entries: Mapping[str, Any], source: str) -> Space:
    """The space that `entries` describe. source: its name in errors. Raises SpaceError, naming the parameter."""
    if not entries:
        raise SpaceError(f"{source}: the space names no parameter.")
    for name, domain in entries.items():
        if isinstance(domain, tuple) and [_is_number(each) for each in domain] == [True, True, False]:
            raise SpaceError(
                f"{source}: {name}: {domain!r:.60} is neither a range nor a list of choices: write sweeps.log(low, "
                "high) for a logarithmic range, and choices in a list."
            )
    record = {name: _record(domain) for name, domain in entries.items()}
    for name, domain in record.items():
        if not (
            domain is None
            or isinstance(domain, bool | int | float | str | Mapping)
            or (hasattr(domain, "item") and getattr(domain, "size", 1) == 1)
        ):
            raise SpaceError(
                f"{source}: {name}: {domain!r:.60} is no domain: write (low, high), a list of choices, sweeps.log(low, "
                "high), sweeps.integer(low, high), sweeps.choice(…) or a value."
            )
    return Reader(source).space(commented({"space": record}))


def _range(low: float, high: float, *, log: bool, step: float | None) -> Record:
    record: Record = {"low": low, "high": high}
    if log:
        record["log"] = True
    return record if step is None else {**record, "step": step}


def _record(domain: Any) -> Any:
    if isinstance(domain, tuple) and len(domain) == 2 and all(_is_number(each) for each in domain):
        low, high = domain
        whole = isinstance(low, int) and isinstance(high, int)
        return {"low": low, "high": high} if whole else {"low": float(low), "high": float(high)}
    if hasattr(domain, "tolist") and getattr(domain, "ndim", 0) == 1:  # an array of choices
        domain = domain.tolist()
    if isinstance(domain, list | tuple | set | frozenset | range):
        return {"choices": sorted(domain) if isinstance(domain, set | frozenset) else list(domain)}
    if type(domain).__module__ == "optuna.distributions":
        return _of_distribution(domain)
    return domain


def _of_distribution(domain: Any) -> Any:
    if hasattr(domain, "choices"):
        return {"choices": list(domain.choices)}
    is_plain = domain.step is None or (isinstance(domain.low, int) and domain.step == 1)
    return _range(
        domain.low, domain.high, log=domain.log, step=None if is_plain or domain.log else domain.step
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
