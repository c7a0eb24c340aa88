"""What a sampler sees of a long study: a pure function of outcomes, however and whenever it is taken up."""

from __future__ import annotations

import random
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.samplers import RandomSampler
from optuna.samplers._tpe.sampler import _split_trials, default_gamma
from optuna.trial import FrozenTrial, create_trial

from search_spaces.reader import parse_space
from sweeps.samplers.by_name import SAMPLERS
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.sampler_study import SamplerStudy
from sweeps.samplers.visible_trials import Bound, Finished
from tests.sweeps_tests.samplers.test_proposer import SPACE, specification, value_of

SMALL = Bound(best=4, latest=6, step=5)
bounds = st.builds(Bound, best=st.integers(0, 5), latest=st.integers(0, 5), step=st.integers(1, 6))
outcomes = st.lists(st.none() | st.integers(-4, 4).map(float), max_size=40)
directions = st.sampled_from(["maximize", "minimize"])


@given(bounds, outcomes, directions)
def test_those_chosen_are_the_best_and_the_latest(
    bound: Bound, values: list[float | None], direction: str
) -> None:
    chosen = bound.chosen(dict(enumerate(values)), direction)
    sign = -1 if direction == "maximize" else 1
    ranked = sorted((sign * value, number) for number, value in enumerate(values) if value is not None)
    best = {number for _, number in ranked[: bound.best]}
    latest = set(range(len(values))[max(0, len(values) - bound.latest) :])
    assert chosen == sorted(best | latest)


@given(bounds, outcomes, st.integers(0, 40), directions)
def test_choosing_step_by_step_is_choosing_at_once(
    bound: Bound, values: list[float | None], cut: int, direction: str
) -> None:
    every = dict(enumerate(values))
    before = set(bound.chosen({n: value for n, value in every.items() if n < cut}, direction))
    left = {n: value for n, value in every.items() if n in before or n >= cut}
    assert bound.chosen(left, direction) == bound.chosen(every, direction)


@given(bounds, st.integers(0, 200))
def test_what_is_seen_changes_by_whole_steps_and_only_past_the_bound(bound: Bound, finished: int) -> None:
    since = bound.since(finished)
    assert since % bound.step == 0
    assert since <= finished
    assert finished - since < bound.best + bound.latest + bound.step + 1
    assert since == 0 or since > bound.best + bound.latest


def noisy(chosen: dict[str, Any], number: int) -> Finished:
    return value_of(number, {**chosen, "x": chosen["x"] + random.Random(number).random()})


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_across_the_bound_a_restored_study_goes_on_as_the_undisturbed_one(sampler: str) -> None:
    spec, undisturbed = specification(sampler=sampler), Proposer(specification(sampler=sampler), SMALL)
    proposals, ended = [], []
    for number in range(45):
        proposals.append(undisturbed.propose())
        ended.append(noisy(proposals[-1].chosen, number))
        undisturbed.finish(number, ended[-1])
    for cut in range(2, 45):
        again = Proposer(spec, SMALL)
        needed = again.needed({n: outcome.completed_value for n, outcome in enumerate(ended[:cut])})
        assert len(needed) <= min(cut, SMALL.best + SMALL.latest + SMALL.step + spec.parallelism)
        for number in range(cut):
            again.restore(proposals[number] if number in needed else None)
            again.finish(number, ended[number])
        assert again.propose().chosen == proposals[cut].chosen, cut


def test_the_bound_changes_nothing_before_it_is_reached_and_something_after() -> None:
    proposers = [Proposer(specification(), SMALL), Proposer(specification())]
    for number in range(30):
        bounded, whole = (proposer.propose().chosen for proposer in proposers)
        if bounded != whole:
            break
        for proposer in proposers:
            proposer.finish(number, noisy(whole, number))
    # Of 15 finished trials 11 are seen; trial 17 is the first that is decided by so many.
    assert number == 15 + specification().parallelism - 1


def test_the_mirror_holds_no_more_than_the_bound_and_a_step() -> None:
    sampler_study = SamplerStudy(parse_space(SPACE, "test"), "maximize", SMALL)
    for number in range(200):
        sampler_study.sample(number, RandomSampler(seed=number))
        sampler_study.finish(number, Finished("COMPLETE", float(number % 17)))
        assert len(sampler_study) <= SMALL.best + SMALL.latest + SMALL.step


def test_what_tpe_takes_for_good_trials_is_the_same_under_the_bound() -> None:
    study = optuna.create_study(direction="maximize")
    generator = random.Random(0)
    for _ in range(1500):
        study.add_trial(create_trial(value=round(generator.random(), 2)))
    values = {trial.number: trial.value for trial in study.trials}
    bound = SAMPLERS["tpe"].bound
    seen = set(bound.chosen(values, "maximize"))
    assert len(seen) < 1100
    assert good(study, [trial for trial in study.trials if trial.number in seen]) == good(study, study.trials)


def good(study: optuna.Study, trials: list[FrozenTrial]) -> list[int]:
    below, _ = _split_trials(study, trials, default_gamma(len(trials)))
    return [trial.number for trial in below]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_bound_of_every_sampler_is_worth_its_steps(sampler: str) -> None:
    bound = SAMPLERS[sampler].bound
    assert 0 < bound.step <= max(100, (bound.best + bound.latest) // 5)
