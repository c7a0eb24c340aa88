"""What a YAML space means: numbers are numbers, words are words, the order is the order of choice."""

from __future__ import annotations

import pytest

from search_spaces import Categorical, Fixed, Numeric
from tests.search_spaces_tests.conftest import SpaceReader


def test_a_number_without_a_point_is_a_number(read: SpaceReader) -> None:
    space = read("space:\n  learning_rate: {low: 1e-4, high: 3E-2, log: true}\n")
    assert space["learning_rate"].domain == Numeric(1e-4, 3e-2, log=True)


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "y", "n", "adam", "2024-01-31", "1.2.3", "'1e-4'"]
)
def test_a_word_is_a_word(read: SpaceReader, word: str) -> None:
    assert read(f"space:\n  mode: {word}\n")["mode"].domain == Fixed(word.strip("'"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("3", 3),
        ("3.0", 3.0),
        ("&x true", True),
    ],
)
def test_a_plain_value_is_fixed(read: SpaceReader, text: str, value: object) -> None:
    domain = read(f"space:\n  x: {text}\n")["x"].domain
    assert isinstance(domain, Fixed)
    assert (type(domain.value), domain.value) == (type(value), value)


@pytest.mark.parametrize(
    ("range_", "integer"),
    [
        ("{low: 1, high: 9}", True),
        ("{low: 1, high: 9, step: 2}", True),
        ("{low: 1, high: 9, step: 0.5}", False),
        ("{low: 1.0, high: 9}", False),
    ],
)
def test_a_range_is_whole_when_all_its_numbers_are(read: SpaceReader, range_: str, integer: bool) -> None:
    domain = read(f"space:\n  x: {range_}\n")["x"].domain
    assert isinstance(domain, Numeric)
    assert domain.integer is integer


def test_choices_keep_type_and_order(read: SpaceReader) -> None:
    domain = read("space:\n  x: {choices: [relu, 0.1, 3, null, true]}\n")["x"].domain
    assert domain == Categorical(("relu", 0.1, 3, None, True))
    assert [type(choice) for choice in domain.choices] == [str, float, int, type(None), bool]


def test_a_single_choice_leaves_nothing_to_search(read: SpaceReader) -> None:
    space = read("space:\n  x: {choices: [adam]}\n  y: {low: 0, high: 1}\n")
    assert space["x"].domain == Fixed("adam")
    assert [parameter.name for parameter in space.searched] == ["y"]


def test_parameters_are_chosen_in_the_order_of_the_file(read: SpaceReader) -> None:
    names = ["zeta", "alpha", "mid", "beta"]
    space = read("space:\n" + "".join(f"  {name}: {{low: 0, high: 1}}\n" for name in names))
    assert [parameter.name for parameter in space] == names
    assert list(space.to_dict()) == names
    assert [parameter.line for parameter in space] == [2, 3, 4, 5]


def test_task_and_note_may_stand_beside_the_space(read: SpaceReader) -> None:
    assert "x" in read("task: mnist_mlp\nnote: after the second study\nspace: {x: 1}\n")


def test_the_values_of_an_exported_configuration_are_a_space_of_one_point(read: SpaceReader) -> None:
    space = read(
        "format: 1\ntask: mnist_mlp\nseed: 7\nvalue: 0.98\n"
        "parameters:\n  learning_rate: 0.001\n  batch_norm: true\n  gradient_clip: null\nrounds: []\n"
    )
    assert space.to_dict() == {"learning_rate": 0.001, "batch_norm": True, "gradient_clip": None}
    assert space.searched == []


def test_an_anchor_spares_repetition(read: SpaceReader) -> None:
    space = read("space:\n  one: &width {low: 8, high: 64}\n  two: {<<: *width, high: 32}\n")
    assert space["two"].domain == Numeric(8, 32, integer=True)


def test_an_unknown_parameter_is_a_key_error(read: SpaceReader) -> None:
    with pytest.raises(KeyError, match="depth"):
        read("space: {width: 3}")["depth"]
