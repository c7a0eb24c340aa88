"""Checks of bounds for parameters that many tasks have."""

from __future__ import annotations

from typing import Any


def check_at_least(parameters: Any, **least: float) -> None:
    """Raises ValueError for the first parameter that is below its smallest value."""
    for name, bound in least.items():
        value = getattr(parameters, name)
        if value < bound:
            raise ValueError(f"{name}: {value:g} is too small. It must be at least {bound:g}.")


def check_share(parameters: Any, name: str, *, below_one: bool = False) -> None:
    """Raises ValueError unless a parameter lies between 0 and 1. below_one: whether 1 itself is refused, too."""
    value = getattr(parameters, name)
    if not 0 <= value <= 1 or (below_one and value == 1):
        raise ValueError(
            f"{name}: {value:g} is not a fraction between 0 and 1{' (below 1)' if below_one else ''}."
        )
