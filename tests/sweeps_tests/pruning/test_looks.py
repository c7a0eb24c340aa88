"""Looks: what is judged of a curve with gaps, and of a long one."""

from __future__ import annotations

import math

import numpy as np

from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.pruning.looks import MOST_LOOKS, block_of, is_due, looks_of, rounds_to_judge
from sweeps.pruning.onset import verdict
from sweeps.trial.metric import Metric

LOSS = Metric("validation loss", "minimize", math.nan, 0)


def turning(rounds: int, every: int = 1) -> Curve:
    """Overfits from a quarter of its rounds on; validated in every `every`-th."""
    train = [math.exp(-6 * r / rounds) for r in range(rounds)]
    valid = [0.5 + math.exp(-20 * r / rounds) + max(0.0, r / rounds - 0.25) for r in range(rounds)]
    gaps = [value if r % every == every - 1 else None for r, value in enumerate(valid)]
    return curve_from_columns({"train_loss": train, "valid_loss": gaps}, LOSS)


def halted_at(curve: Curve, budget: int) -> int | None:
    for rounds in rounds_to_judge(curve, budget):
        stop = verdict(curve.until(rounds), budget, LOSS)
        if stop is not None:
            return stop.round
    return None


def test_a_curve_without_gaps_is_its_own_looks() -> None:
    curve = turning(60)
    assert looks_of(curve, 60) == (curve, 60)


def test_validation_in_every_fifth_round_halts_near_where_every_round_does() -> None:
    every, fifth = halted_at(turning(200), 200), halted_at(turning(200, 5), 200)
    assert every is not None
    assert fifth is not None
    assert fifth % 5 == 0
    assert abs(fifth - every) <= 15


def test_a_long_curve_is_judged_by_means_of_its_rounds() -> None:
    curve, budget = turning(20_000), 20_000
    looks, num_looks = looks_of(curve, budget)
    assert len(looks) == num_looks <= MOST_LOOKS
    assert looks.ends[-1] == len(curve)
    assert len(list(rounds_to_judge(curve, budget))) <= MOST_LOOKS + 1
    halt = halted_at(curve, budget)
    assert halt is not None
    assert is_due(halt, budget)
    short = halted_at(turning(200), 200)
    assert short is not None
    assert abs(halt / budget - short / 200) <= 0.05


def test_a_loss_that_is_not_finite_is_seen_at_once_in_a_long_curve() -> None:
    falling = [1 - r / 5000 for r in range(5000)]
    columns = {"train_loss": [*falling[:4321], math.nan, *falling[4322:]], "valid_loss": falling}
    assert not is_due(4322, 5000)
    assert halted_at(curve_from_columns(columns, LOSS), 5000) == 4322


def test_an_infinite_validation_loss_is_no_look() -> None:
    curve = curve_from_columns({"train_loss": [3.0, 2.0, 1.0], "valid_loss": [3.0, math.inf, 2.0]}, LOSS)
    looks, _ = looks_of(curve, 3)
    assert looks.numbers.tolist() == [1, 3]
    assert np.isfinite(looks.train_loss).all()


def test_blocks_are_as_small_as_the_budget_allows() -> None:
    assert [block_of(budget) for budget in (1, 300, 301, 20_000)] == [1, 1, 2, 67]
