"""From a space to the parameters of a trial, by an Optuna sampler or as the nearest point."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from hypothesis import given, settings

from search_spaces import Categorical, Fixed, Numeric, Space
from search_spaces.points import nearest, with_fixed
from search_spaces.schema import Domain, Parameter
from search_spaces.suggest import distribution, distributions, suggest
from tests.search_spaces_tests.conftest import SpaceReader
from tests.search_spaces_tests.strategies import choices, ranges, scalars, spaces


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))


CONDITIONAL = (
    "space:\n  optimizer: adam\n  size: {choices: [1, 8]}\n"
    "  norm: {choices: [true, false], when: {size: {min: 2}}}\n"
    "  momentum: {low: 0.01, high: 0.5, log: true, when: {norm: true}}\n"
    "  width: {low: 8, high: 64, step: 8}\n"
)


def test_exactly_the_active_parameters_are_suggested(read: SpaceReader, study: optuna.Study) -> None:
    space = read(CONDITIONAL)
    seen = set()
    for _ in range(40):
        chosen = suggest(space, study.ask())
        seen.add(tuple(chosen))
        assert ("norm" in chosen) == (chosen["size"] > 1)
        assert ("momentum" in chosen) == (chosen.get("norm") is True)
    assert len(seen) == 3


def test_what_is_suggested_lies_in_the_space(read: SpaceReader, study: optuna.Study) -> None:
    space = read(CONDITIONAL)
    for _ in range(40):
        chosen = suggest(space, study.ask())
        assert all(space[name].domain.contains(value) for name, value in chosen.items())


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_a_trial_stored_with_a_spaces_distributions_reads_back(space: Space) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    trial = study.ask()
    chosen = suggest(space, trial)
    stored = optuna.trial.create_trial(
        params={name: value for name, value in chosen.items() if not isinstance(space[name].domain, Fixed)},
        distributions=distributions(space, chosen),
        value=1.0,
    )
    assert stored.distributions == trial.distributions
    assert with_fixed(space, stored.params) == chosen


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (Fixed(3), None),
        (Categorical(("a", None, 2)), optuna.distributions.CategoricalDistribution(("a", None, 2))),
        (Numeric(1, 9, integer=True), optuna.distributions.IntDistribution(1, 9)),
        (Numeric(1, 9, log=True, integer=True), optuna.distributions.IntDistribution(1, 9, log=True)),
        (Numeric(1, 9, step=3, integer=True), optuna.distributions.IntDistribution(1, 7, step=3)),
        (Numeric(0.0, 1.0), optuna.distributions.FloatDistribution(0, 1)),
        (Numeric(1e-4, 1.0, log=True), optuna.distributions.FloatDistribution(1e-4, 1, log=True)),
        (Numeric(0.0, 1.0, step=0.3), optuna.distributions.FloatDistribution(0, 0.9, step=0.3)),
    ],
)
def test_a_domain_has_its_distribution(domain: Domain, expected: Any) -> None:
    assert distribution(Parameter("x", domain)) == expected


def test_a_fixed_value_is_added_only_where_its_condition_holds(read: SpaceReader) -> None:
    space = read(
        "space:\n  norm: {choices: [true, false]}\n  momentum: {choices: [0.1], when: {norm: true}}\n"
    )
    assert with_fixed(space, {"norm": True}) == {"norm": True, "momentum": 0.1}
    assert with_fixed(space, {"norm": False}) == {"norm": False}


@pytest.mark.parametrize(
    ("domain", "wanted", "found"),
    [
        (Numeric(0.0, 1.0), 0.25, 0.25),
        (Numeric(0.0, 1.0), 7, 1.0),
        (Numeric(0.0, 1.0), -math.inf, 0.0),
        (Numeric(0.0, 1.0), math.nan, 0.0),
        (Numeric(0.0, 1.0), "adam", 0.0),
        (Numeric(0.0, 1.0), True, 0.0),
        (Numeric(1, 9, integer=True), 3.6, 4),
        (Numeric(1, 9, step=4, integer=True), 100, 9),
        (Numeric(0.0, 1.0, step=0.3), 1.0, 0.9),
        (Numeric(0.0, 1.0, step=0.6), 1.0, 0.6),
        (Categorical((32, 64, 128)), 100, 128),
        (Categorical((32, 64, 128)), 64.0, 64),
        (Categorical(("adam", "sgd")), "sgd", "sgd"),
        (Categorical(("adam", "sgd")), "rmsprop", "adam"),
        (Categorical((True, False)), 0, True),
        (Categorical((None, 5.0)), None, None),
        (Fixed("adam"), "sgd", "adam"),
    ],
)
def test_the_nearest_value(domain: Domain, wanted: Any, found: Any) -> None:
    value = domain.nearest(wanted)
    assert (type(value), value) == (type(found), found)


@given(ranges() | choices, scalars)
@settings(max_examples=60, deadline=None)
def test_the_nearest_value_is_one_of_the_domains(domain: Domain, wanted: Any) -> None:
    value = domain.nearest(wanted)
    assert domain.contains(value)
    assert domain.nearest(value) == value


def test_the_nearest_point_has_exactly_the_active_parameters(read: SpaceReader) -> None:
    wanted = {"size": 300, "norm": False, "momentum": 0.9, "width": 30, "unknown": 1}
    assert nearest(read(CONDITIONAL), wanted) == {"optimizer": "adam", "size": 8, "norm": False, "width": 32}
