"""Points of a Sobol' sequence: each by its index, evenly spread, within the space."""

from __future__ import annotations

from collections import Counter

from search_spaces.quasi_random import sobol_point
from search_spaces.reader import parse_space

SPACE = parse_space(
    """space:
  rate: {low: 1e-4, high: 1e-1, log: true}
  width: {low: 16, high: 31}
  depth: {low: 1, high: 64, log: true}
  share: {low: 0.0, high: 0.6, step: 0.1}
  size: {choices: [1, 8, 32, 64]}
  momentum: {low: 0.01, high: 0.5, when: {size: {min: 2}}}
  fixed: 7
""",
    "test",
)
WHOLE = parse_space("space:\n  width: {low: 0, high: 7}\n", "test")
POINTS = [sobol_point(SPACE, index, seed=1) for index in range(64)]


def test_every_point_lies_in_the_space() -> None:
    for point in POINTS:
        assert all(SPACE[name].domain.contains(value) for name, value in point.items())
        assert ("momentum" in point) == (point["size"] > 1)
        assert point["fixed"] == 7


def test_a_point_depends_on_its_index_and_the_seed_alone() -> None:
    assert sobol_point(SPACE, 40, seed=1) == POINTS[40]
    assert sobol_point(SPACE, 40, seed=2) != POINTS[40]


def test_the_points_are_spread_evenly() -> None:
    assert Counter(point["size"] for point in POINTS) == {1: 16, 8: 16, 32: 16, 64: 16}
    assert sum(point["rate"] < 10**-2.5 for point in POINTS) == 32
    assert Counter(sobol_point(WHOLE, index, seed=3)["width"] for index in range(64)) == dict.fromkeys(
        range(8), 8
    )


def test_a_logarithmic_range_of_whole_numbers_gives_both_ends_room() -> None:
    depths = Counter(point["depth"] for point in POINTS)
    assert depths[1] > depths[63]
    assert min(depths) == 1
    assert max(depths) > 32
