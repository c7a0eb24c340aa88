"""Trial n is decided by trials 0 … n - parallelism, whatever the order in which the others end."""

from __future__ import annotations

import dataclasses
import functools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.reader import parse_space
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.visible_trials import Finished
from sweeps.study.specification import (
    Specification,
    StudyData,
    TaskVersion,
)
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric

SPACE = """space:
  x: {low: -5.0, high: 5.0}
  size: {choices: [1, 8]}
  switch: {choices: [true, false], when: {size: {min: 2}}}
  inner: {low: 1e-3, high: 1.0, log: true, when: {switch: true}}
"""


def specification(**changes: Any) -> Specification:
    plain = Specification(
        task=TaskVersion("t", "1"),
        metric=Metric("score", "maximize", 0.0, 10),
        data=StudyData(DataPlan("d"), "0", train_rows=10, valid_rows=10),
        space=parse_space(SPACE, "test"),
        defaults={"x": 0.0, "size": 8, "switch": True, "inner": 0.1, "other": 7},
        seed=3,
        sampler="tpe",
        stop_rule="onset",
        rounds=5,
        parallelism=3,
        threads=1,
        gpus=0.0,
        device="cpu",
    )
    return dataclasses.replace(plain, **changes)


def value_of(number: int, chosen: dict[str, Any]) -> Finished:
    """What a trial comes to: a function of its parameters; every seventh fails, every fifth is pruned."""
    if number % 7 == 6:
        return Finished("FAIL", None)
    value = -(chosen["x"] ** 2) - chosen.get("inner", 0.5)
    return Finished("PRUNED", value, (2, value)) if number % 5 == 4 else Finished("COMPLETE", value)


NUM_TRIALS = {"gp": 20}  # a Gaussian process takes its time


def run(
    spec: Specification, workers: int, order: random.Random, num_trials: int | None = None
) -> list[dict[str, Any]]:
    """A study on so many workers whose trials end in a random order."""
    num_trials = num_trials or NUM_TRIALS.get(spec.sampler, 30)
    proposer, running, chosen = Proposer(spec), [], []
    while len(chosen) < num_trials or running:
        while len(running) < workers and len(chosen) < num_trials and proposer.is_open():
            running.append(len(chosen))
            chosen.append(proposer.propose().chosen)
        ended = running.pop(order.randrange(len(running)))
        proposer.finish(ended, value_of(ended, chosen[ended]))
    return chosen


@functools.cache
def alone(sampler: str) -> list[dict[str, Any]]:
    """The study on one worker."""
    return run(specification(sampler=sampler), 1, random.Random(0))


SAMPLERS = ["tpe", "gp", "cmaes", "random", "qmc"]


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(max_examples=3, deadline=None)
@given(workers=st.integers(2, 3), seed=st.integers(0, 10**6))
def test_the_trials_do_not_depend_on_workers_or_on_the_order_in_which_they_end(
    sampler: str, workers: int, seed: int
) -> None:
    assert run(specification(sampler=sampler), workers, random.Random(seed)) == alone(sampler)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_the_sampler_learns(sampler: str) -> None:
    trials = alone(sampler)
    assert len({repr(chosen) for chosen in trials}) == len(trials)
    late = [abs(chosen["x"]) for chosen in trials[-5:]]
    early = [abs(chosen["x"]) for chosen in trials[1:11]]
    assert sum(late) / len(late) < sum(early) / len(early)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("cut", [1, 13])
def test_a_window_restored_in_the_middle_goes_on_the_same_way(sampler: str, cut: int) -> None:
    spec = specification(sampler=sampler)
    first = Proposer(spec)
    proposals = []
    for number in range(cut):
        proposals.append(first.propose())
        first.finish(number, value_of(number, proposals[-1].chosen))
    again = Proposer(spec)
    for number, proposal in enumerate(proposals):
        again.restore(proposal)
        again.finish(number, value_of(number, proposal.chosen))
    rest = []
    for number in range(cut, len(alone(sampler))):
        rest.append(again.propose().chosen)
        again.finish(number, value_of(number, rest[-1]))
    assert [p.chosen for p in proposals] + rest == alone(sampler)


def test_what_a_gaussian_process_proposes_does_not_depend_on_threads() -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert run(specification(sampler="gp"), 1, random.Random(0)) == alone("gp")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_trial_waits_for_those_that_decide_it() -> None:
    proposer = Proposer(specification(parallelism=2))
    proposer.propose()
    proposer.propose()
    assert not proposer.is_open()
    proposer.finish(1, Finished("COMPLETE", 0.0))
    assert not proposer.is_open()  # 0 is still running, and decides trial 2
    proposer.finish(0, Finished("COMPLETE", 0.0))
    assert proposer.is_open()


def test_a_grid_has_each_cell_once_and_nothing_else() -> None:
    space = parse_space("space:\n  size: {choices: [1, 8]}\n  x: {low: 0, high: 4, step: 2}\n", "test")
    proposer = Proposer(specification(sampler="grid", space=space, parallelism=8))
    cells = []
    while proposer.is_open():
        cells.append(tuple(proposer.propose().chosen.values()))
    assert cells == [(1, 0), (1, 2), (1, 4), (8, 0), (8, 2), (8, 4)]


GRID = "space:\n  size: {choices: [1, 8]}\n  x: {low: 0, high: 4, step: 2}\n"


def test_a_failed_cell_of_a_grid_is_run_once_more_at_the_end() -> None:
    space = parse_space(GRID, "test")
    proposer = Proposer(specification(sampler="grid", space=space, parallelism=2))
    cells = []
    while proposer.is_open():
        number = len(cells)
        cells.append(tuple(proposer.propose().chosen.values()))
        proposer.finish(number, Finished("FAIL", None) if number in (1, 4, 6) else Finished("COMPLETE", 0.0))
    assert cells[6:] == [(1, 2), (8, 2)]  # 6 was the second try of a cell: it is left at that
    assert proposer.num_points == 8


def test_a_failed_cell_waits_until_it_is_known_to_be_the_first() -> None:
    space = parse_space(GRID, "test")
    proposer = Proposer(specification(sampler="grid", space=space, parallelism=8))
    for _ in range(6):
        proposer.propose()
    proposer.finish(5, Finished("FAIL", None))
    assert not proposer.is_open()  # one of 0 … 4 may fail as well, and comes first then
    for number in range(5):
        proposer.finish(number, Finished("COMPLETE", 0.0))
    assert proposer.propose().chosen == {"size": 8, "x": 4}


def test_enqueued_trials_come_after_the_defaults() -> None:
    wanted = {"x": 4.5, "size": 1}
    proposer = Proposer(specification(enqueued=[wanted]))
    assert proposer.propose().chosen == {"x": 0.0, "size": 8, "switch": True, "inner": 0.1}
    assert proposer.propose().chosen == wanted
