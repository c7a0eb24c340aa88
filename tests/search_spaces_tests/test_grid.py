"""The cells of a space that can be counted: each once, the last parameter turning fastest."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings

from search_spaces import Numeric, Space, SpaceError
from search_spaces.points import cells
from tests.search_spaces_tests.conftest import SpaceReader
from tests.search_spaces_tests.strategies import spaces


def test_a_grid_is_the_product_in_the_order_of_the_file(read: SpaceReader) -> None:
    space = read(
        "space:\n  width: {choices: [300, 1024]}\n  rate: {choices: [0.5, 0.01, 1e-4]}\n  act: relu\n"
    )
    assert cells(space) == [
        {"width": width, "rate": rate, "act": "relu"}
        for width, rate in product([300, 1024], [0.5, 0.01, 1e-4])
    ]


def test_a_switched_off_parameter_does_not_multiply_cells(read: SpaceReader) -> None:
    space = read(
        "space:\n  norm: {choices: [true, false]}\n"
        "  momentum: {choices: [0.1, 0.01], when: {norm: true}}\n  depth: {low: 1, high: 2}\n"
    )
    assert cells(space) == [
        {"norm": True, "momentum": 0.1, "depth": 1},
        {"norm": True, "momentum": 0.1, "depth": 2},
        {"norm": True, "momentum": 0.01, "depth": 1},
        {"norm": True, "momentum": 0.01, "depth": 2},
        {"norm": False, "depth": 1},
        {"norm": False, "depth": 2},
    ]


@pytest.mark.parametrize(
    ("ladder", "values"),
    [
        ("{low: 0.0, high: 0.3, step: 0.1}", [0.0, 0.1, 0.2, 0.3]),
        ("{low: 0, high: 1, step: 0.3}", [0.0, 0.3, 0.6, 0.9]),
        ("{low: 0.02, high: 0.03, step: 0.01}", [0.02, 0.03]),
        ("{low: 3, high: 6}", [3, 4, 5, 6]),
        ("{low: 8, high: 32, step: 8}", [8, 16, 24, 32]),
        ("{low: -1, high: 6, step: 3}", [-1, 2, 5]),
    ],
)
def test_a_ladder_is_counted_in_decimals(read: SpaceReader, ladder: str, values: list[float]) -> None:
    counted = [cell["x"] for cell in cells(read(f"space:\n  x: {ladder}\n"))]
    assert counted == values
    assert [type(value) for value in counted] == [type(value) for value in values]


@pytest.mark.parametrize("range_", ["{low: 0.0, high: 1}", "{low: 1, high: 64, log: true}"])
def test_a_range_without_steps_is_refused(read: SpaceReader, range_: str) -> None:
    space = read(f"space:\n  a: 1\n  x: {range_}\n")
    with pytest.raises(
        SpaceError,
        match=r"space\.yaml:3: x: a grid can't use a continuous range.* fix the parameter with x=VALUE",
    ):
        cells(space)


def _is_small(space: Space) -> bool:
    grids = [p.domain.grid() for p in space if not (isinstance(p.domain, Numeric) and p.domain.high > 60)]
    return len(grids) == len(space.parameters) and all(grid is not None and len(grid) < 9 for grid in grids)


@given(spaces().filter(_is_small))
@settings(max_examples=60, deadline=None)
def test_every_cell_is_a_point_of_the_space_and_there_once(space: Space) -> None:
    points = cells(space)
    assert len({repr(point) for point in points}) == len(points)
    for point in points:
        active = [p.name for p in space if p.is_active({k: v for k, v in point.items() if k != p.name})]
        assert list(point) == active
        assert all(space[name].domain.contains(value) for name, value in point.items())
