"""A task's parameters: checked by name and kind, whoever gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from objectives.errors import ParametersError
from objectives.parameters.kinds import parameter_kinds
from objectives.registry import get_task
from objectives.task import Task


@dataclass(frozen=True)
class Parameters:
    rate: float = 0.1
    width: int = 8
    norm: bool = True
    note: str = ""
    depth: Literal[1, 2] = 1
    mode: Literal["a", "b"] = "a"
    clip: float | None = None
    cap: Literal["low", "high"] | None = None


class Tiny(Task):
    name = "tiny"
    Parameters = Parameters


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("rate", 1, 1.0),
        ("rate", 1e-300, 1e-300),
        ("width", 2.0, 2),
        ("width", -3, -3),
        ("norm", False, False),
        ("note", "", ""),
        ("depth", 2.0, 2),
        ("mode", "b", "b"),
        ("clip", None, None),
        ("clip", 1, 1.0),
        ("cap", None, None),
        ("cap", "high", "high"),
    ],
)
def test_a_value_becomes_the_parameters_type(name: str, given: Any, taken: Any) -> None:
    found = getattr(Tiny.parameters_from({name: given}), name)
    assert (type(found), found) == (type(taken), taken)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("rate", "0.1", "rate: '0.1' is not a finite number"),
        ("rate", True, "rate: True is not a finite number"),
        ("rate", None, "rate: None is not a finite number"),
        ("rate", float("nan"), "rate: nan is not a finite number"),
        ("rate", float("inf"), "rate: inf is not a finite number"),
        ("rate", 10**400, "is not a finite number"),
        ("width", 2.5, "width: 2.5 is not a whole number"),
        ("width", False, "width: False is not a whole number"),
        ("width", float("inf"), "width: inf is not a whole number"),
        ("norm", 1, "norm: 1 is not true or false"),
        ("norm", "true", "norm: 'true' is not true or false"),
        ("note", 3, "note: 3 is not a word"),
        ("depth", 3, "depth: 3 is not one of 1, 2"),
        ("depth", True, "depth: True is not one of 1, 2"),
        ("mode", "c", "mode: 'c' is not one of a, b"),
        ("mode", None, "mode: None is not one of a, b"),
        ("clip", "none", "clip: 'none' is not a finite number"),
        ("cap", "mid", "cap: 'mid' is not one of low, high"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, given: Any, why: str) -> None:
    with pytest.raises(ParametersError) as refusal:
        Tiny.parameters_from({name: given})
    assert why in str(refusal.value)


def test_an_unknown_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ParametersError) as refusal:
        get_task("mnist_mlp").parameters_from({"learning_rte": 0.1})
    assert "mnist_mlp has no parameter 'learning_rte'; did you mean 'learning_rate'?" in str(refusal.value)
    assert "It has: learning_rate, batch_size, hidden_width" in str(refusal.value)


def test_what_is_not_given_keeps_its_default() -> None:
    assert Tiny.parameters_from({"width": 3}) == Parameters(width=3)


def test_kinds_come_in_the_order_of_declaration_with_their_defaults() -> None:
    kinds = parameter_kinds(Tiny.Parameters)
    assert list(kinds) == ["rate", "width", "norm", "note", "depth", "mode", "clip", "cap"]
    assert [kind.default for kind in kinds.values()] == [0.1, 8, True, "", 1, "a", None, None]
    assert [name for name, kind in kinds.items() if kind.optional] == ["clip", "cap"]
    assert kinds["cap"].choices == ("low", "high")
