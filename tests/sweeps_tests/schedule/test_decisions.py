"""Properties of schedules: drawn studies, played with any number of workers in any order."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.schedule.asha import Asha, BestFew
from sweeps.schedule.decisions import Decisions, Result
from sweeps.schedule.slices import Schedule, Slice, leader_of, rungs_of
from sweeps.schedule.thaw import Thaw
from sweeps.trial.metric import Metric

METRIC = Metric("accuracy", "maximize", 0.1, 1000)
SCHEDULES = (Thaw, Asha, BestFew)
seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)


def curves_of(seed: int, num_trials: int, budget: int) -> list[Curve]:
    """Noisy curves that tend to something, some of which end early."""
    draw = random.Random(seed)
    curves = []
    for _ in range(num_trials):
        end, speed, rounds = draw.uniform(0.1, 0.99), draw.uniform(0.01, 1.0), draw.randint(1, 2 * budget)
        scores = [
            0.1 + (end - 0.1) * (1 - math.exp(-speed * r)) + draw.gauss(0, 0.01)
            for r in range(min(rounds, budget))
        ]
        curves.append(curve_from_columns(_columns(scores), METRIC))
    return curves


def played(
    curves: Sequence[Curve], schedule: Schedule, *, parallelism: int, workers: int = 1, seed: int = 0
) -> list[Slice | None]:
    """The decisions of a study, where `workers` finish their slices in an order of their own."""
    decisions, draw = (
        Decisions(schedule, parallelism=parallelism, num_trials=len(curves)),
        random.Random(seed),
    )
    made: list[Slice | None] = []
    running: dict[int, Slice] = {}
    while not decisions.is_over or running:
        while len(running) < workers and decisions.is_open and not decisions.is_over:
            number, chosen = decisions.decide()
            made.append(chosen)
            if chosen is not None:
                running[number] = chosen
        if running:
            number = draw.choice(sorted(running))
            decisions.report(number, result_of(running.pop(number), curves))
    return made


def result_of(chosen: Slice, curves: Sequence[Curve]) -> Result:
    curve = curves[chosen.trial]
    return Result(curve.until(chosen.end), is_ended=chosen.end >= len(curve))


@pytest.mark.parametrize("make", SCHEDULES)
@few
@given(seed=seeds, workers=st.integers(2, 4))
def test_any_number_of_workers_makes_the_same_decisions(
    make: type[Schedule], seed: int, workers: int
) -> None:
    curves = curves_of(seed, 7, 20)
    alone = played(curves, make(20), parallelism=4)
    assert played(curves, make(20), parallelism=4, workers=workers, seed=seed) == alone


@pytest.mark.parametrize("make", SCHEDULES)
@few
@given(seed=seeds, budget=st.integers(1, 30), parallelism=st.integers(1, 5))
def test_slices_of_a_trial_follow_each_other_and_all_trials_begin(
    make: type[Schedule], seed: int, budget: int, parallelism: int
) -> None:
    curves = curves_of(seed, 6, budget)
    done = [0] * 6
    for chosen in played(curves, make(budget), parallelism=parallelism):
        if chosen is not None:
            assert chosen.start == done[chosen.trial] < chosen.end <= budget
            done[chosen.trial] = chosen.end
    assert all(done)


@few
@given(seed=seeds, budget=st.integers(1, 30), parallelism=st.integers(1, 5))
def test_the_leader_goes_on_to_its_end(seed: int, budget: int, parallelism: int) -> None:
    curves = curves_of(seed, 6, budget)
    decisions = Decisions(Thaw(budget), parallelism=parallelism, num_trials=6)
    while not decisions.is_over:
        number, chosen = decisions.decide()
        if chosen is not None:
            decisions.report(number, result_of(chosen, curves))
    leader = leader_of(decisions.known)
    assert leader is not None
    assert leader.is_ended


@few
@given(seed=seeds, k=st.integers(4, 20))
def test_a_decision_knows_nothing_of_the_latest_slices(seed: int, k: int) -> None:
    """Other results of the slices of the decisions k - 3 … k change nothing about decision k."""
    curves, others = curves_of(seed, 7, 20), curves_of(seed + 1, 7, 20)
    found = []
    for late in (curves, others):
        decisions = Decisions(Thaw(20), parallelism=4, num_trials=7)
        made = []
        for number in range(k + 1):
            _, chosen = decisions.decide()
            made.append(chosen)
            if chosen is not None:
                curve = (late if number > k - 4 else curves)[chosen.trial]
                decisions.report(number, Result(curve.until(chosen.end), is_ended=chosen.end >= len(curve)))
        found.append(made)
    assert found[0] == found[1]


@few
@given(seed=seeds)
def test_more_trials_begin_as_those_before_them_did(seed: int) -> None:
    """Up to where a study has no trial left to begin, one of more trials makes the same decisions."""
    curves = curves_of(seed, 9, 20)
    short, long = (played(curves[:n], Thaw(20), parallelism=4) for n in (6, 9))
    last_new = max(k for k, each in enumerate(short) if each is not None and each.start == 0)
    assert short[: last_new + 1] == long[: last_new + 1]


def test_rungs_double_up_to_the_budget() -> None:
    assert rungs_of(60, 0.05) == [3, 6, 12, 24, 48, 60]
    assert rungs_of(1, 0.05) == [1]


def test_a_late_bloomer_is_given_time() -> None:
    """One trial stays at chance for an eighth of the budget, when the others are long good, and then beats them."""
    late = curve_from_columns(_columns([0.1] * 6 + [0.9] * 44), METRIC)
    usual = curve_from_columns(_columns([0.5 + 0.001 * r for r in range(50)]), METRIC)
    made = played([late, usual, usual, usual], Thaw(50), parallelism=1)
    assert max(each.end for each in made if each is not None and each.trial == 0) == 50


def _columns(scores: Sequence[float]) -> dict[str, list[float | None]]:
    return {"valid_score": list(scores), "valid_loss": [1 - score for score in scores]}
