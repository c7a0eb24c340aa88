"""Computes points of a space without Optuna's samplers, so that reading a study does not import Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.errors import SpaceError
from search_spaces.schema import Fixed, Space


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
    """The point of the space that is nearest to `wanted` in each parameter."""
    chosen: dict[str, Any] = {}
    for parameter in space:
        if parameter.is_active(chosen):
            chosen[parameter.name] = parameter.domain.nearest(wanted.get(parameter.name))
    return chosen


def cells(space: Space) -> list[dict[str, Any]]:
    """Every point of a space whose parameters all have countable values. The last parameter changes fastest.

    Raises SpaceError, with the parameter's name, for a range without a step.
    """
    points: list[dict[str, Any]] = [{}]
    for parameter in space:
        values = parameter.domain.grid()
        if values is None:
            place = f"{space.source}:{parameter.line}" if parameter.line else space.source
            raise SpaceError(
                f"{place}: {parameter.name}: a grid can't use a continuous range. "
                f"Write `choices: […]`, add a step, or fix the parameter with {parameter.name}=VALUE."
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
