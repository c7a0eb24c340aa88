"""When a parameter is searched: an equality, a list, or bounds on one that was chosen before it."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces import Condition
from tests.search_spaces_tests.conftest import SpaceReader


@pytest.mark.parametrize(
    ("wanted", "holding", "failing"),
    [
        ("true", [True], [False, 1, "true", None]),
        ("1", [1, 1.0], [True, 2, "1"]),
        ("0.0", [0, 0.0], [False, 1e-300]),
        ("adam", ["adam"], ["adamw", None]),
        ("null", [None], [0, "", False]),
        ("[adam, adamw]", ["adam", "adamw"], ["sgd"]),
        ("{min: 2}", [2, 2.0, 1e9], [1, 1.999, "2", None, True]),
        ("{max: 2}", [2, -5, 0.1], [3, "1", None, False]),
        ("{min: 2, max: 3}", [2, 2.5, 3], [1, 4]),
    ],
)
def test_a_condition_holds_for_what_it_says(
    read: SpaceReader, wanted: str, holding: list[Any], failing: list[Any]
) -> None:
    space = read(
        "space:\n  y: {choices: [1, 0, 2.5, adam, adamw, null, 3]}\n"
        "  switch: {choices: [true, false]}\n"
        f"  x: {{low: 0, high: 1, when: {{{'switch' if wanted == 'true' else 'y'}: {wanted}}}}}\n"
    )
    (condition,) = space["x"].when
    assert all(condition.holds({condition.parameter: value}) for value in holding)
    assert not any(condition.holds({condition.parameter: value}) for value in failing)


def test_a_parameter_that_was_not_chosen_holds_nothing() -> None:
    assert not Condition("y", (None,)).holds({})
    assert not Condition("y", low=0.0).holds({"x": 1})


def test_all_conditions_must_hold(read: SpaceReader) -> None:
    space = read(
        "space:\n  size: {choices: [1, 8]}\n  norm: {choices: [true, false]}\n"
        "  momentum: {low: 0.1, high: 0.9, when: {norm: true, size: {min: 2}}}\n"
    )
    momentum = space["momentum"]
    assert momentum.is_active({"norm": True, "size": 8})
    assert not momentum.is_active({"norm": True, "size": 1})
    assert not momentum.is_active({"norm": False, "size": 8})


def test_a_condition_on_a_whole_number_holds_for_a_range_of_fractions(read: SpaceReader) -> None:
    space = read(
        "space:\n  decay: {low: 0, high: 0.5, step: 0.1}\n  x: {low: 0, high: 1, when: {decay: 0}}\n"
    )
    assert space["x"].is_active({"decay": 0.0})
    assert not space["x"].is_active({"decay": 0.1})


def test_a_condition_follows_another(read: SpaceReader) -> None:
    space = read(
        "space:\n  size: {choices: [1, 8]}\n  norm: {choices: [true, false], when: {size: {min: 2}}}\n"
        "  momentum: {low: 0.1, high: 0.9, when: {norm: true}}\n"
    )
    assert not space["momentum"].is_active({"size": 1})
    assert space["momentum"].is_active({"size": 8, "norm": True})
