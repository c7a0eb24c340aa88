"""Spaces in Python and on the command line."""

from __future__ import annotations

import numpy
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

import sweeps
from search_spaces import Space, SpaceError, parse_override
from search_spaces.in_code import space_in_code

IN_CODE = {
    "lr": sweeps.log(1e-5, 1),
    "width": sweeps.integer(16, 512, log=True),
    "rate": sweeps.number(0, 1, step=0.25),
    "depth": (1, 4),
    "share": (0, 0.5),
    "optimizer": ["adam", "sgd"],
    "momentum": sweeps.when((0.5, 0.99), optimizer="sgd"),
    "skip": sweeps.when([True, False], depth=(2, 4)),
    "layers": sweeps.choice(small=[64, 64], large=[512]),
    "epochs": 20,
}


def test_a_space_in_code_is_what_it_says() -> None:
    assert space_in_code(IN_CODE, "train.py").to_dict() == {
        "lr": {"low": 1e-5, "high": 1.0, "log": True},
        "width": {"low": 16, "high": 512, "log": True},
        "rate": {"low": 0.0, "high": 1.0, "step": 0.25},
        "depth": {"low": 1, "high": 4},
        "share": {"low": 0.0, "high": 0.5},
        "optimizer": {"choices": ["adam", "sgd"]},
        "momentum": {"low": 0.5, "high": 0.99, "when": {"optimizer": "sgd"}},
        "skip": {"choices": [True, False], "when": {"depth": {"min": 2.0, "max": 4.0}}},
        "layers": {"choices": {"small": [64, 64], "large": [512]}},
        "epochs": 20,
    }


def test_a_space_comes_back_as_it_was() -> None:
    space = space_in_code(IN_CODE, "train.py")
    assert Space.from_dict(space.to_dict()) == space


def test_optunas_distributions_are_taken() -> None:
    space = {
        "lr": FloatDistribution(1e-5, 0.1, log=True),
        "width": IntDistribution(1, 9, step=2),
        "kind": CategoricalDistribution(["a", "b"]),
    }
    assert space_in_code(space, "train.py").to_dict() == {
        "lr": {"low": 1e-5, "high": 0.1, "log": True},
        "width": {"low": 1, "high": 9, "step": 2},
        "kind": {"choices": ["a", "b"]},
    }


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("lr=1e-5..1e-1:log", {"low": 1e-5, "high": 0.1, "log": True}),
        ("lr=1..10:linear", {"low": 1.0, "high": 10.0}),
        ("lr=0.1..1", {"low": 0.1, "high": 1.0, "log": True}),
        ("optimizer=adam,sgd,lion", {"choices": ["adam", "sgd", "lion"]}),
        ("depth=2..8", {"low": 2, "high": 8}),
        ("depth=1,2", {"choices": [1, 2]}),
        ("new=3", 3),
    ],
)
def test_what_is_written_on_the_command_line(text: str, domain: object) -> None:
    assert parse_override(text, space_in_code(IN_CODE, "train.py"), None)[1].to_dict() == domain


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ({}, "names no parameter"),
        ({"lr": (3, 1)}, "train.py: lr: low 3 is above high 1"),
        ({"lr": sweeps.when((0, 1), kind="a")}, "lr: the condition names 'kind'"),
        ({"lr": object()}, "lr: "),
        ({"lr": (1e-4, 0.1, "log")}, r"lr: .* write sweeps.log\(low, high\)"),
        ({"lr": numpy.ones((2, 2))}, "lr: array"),
    ],
)
def test_what_is_none_is_refused(space: dict[str, object], why: str) -> None:
    with pytest.raises(SpaceError, match=why):
        space_in_code(space, "train.py")


def test_an_array_holds_choices() -> None:
    space = space_in_code({"lr": numpy.array([0.1, 0.2])}, "train.py")
    assert space.parameters[0].domain.to_dict() == {"choices": [0.1, 0.2]}
