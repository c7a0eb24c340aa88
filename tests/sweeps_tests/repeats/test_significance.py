"""What differs by more than chance."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from sweeps.repeats.significance import Spread, paired_p_value, rank_correlation


def test_a_spread_is_mean_and_sample_deviation() -> None:
    spread = Spread.of([1.0, 2.0, 3.0])
    assert (spread.mean, spread.std, spread.count) == (2.0, 1.0, 3)
    assert str(spread) == "2 ± 1"
    assert math.isnan(Spread.of([1.0]).std)
    assert str(Spread.of([0.5])) == "0.5"


def test_a_common_shift_under_common_seeds_is_more_than_chance() -> None:
    one = [0.90, 0.95, 0.91, 0.97, 0.93]
    noisy = [0.93, 0.90, 0.94, 0.96, 0.92]
    assert paired_p_value(one, [value - 0.01 * k for k, value in enumerate(one, start=1)]) < 0.05
    assert paired_p_value(one, noisy) > 0.5


@pytest.mark.parametrize(("other", "p_value"), [([1.0, 2.0], 1.0), ([2.0, 3.0], 0.0)])
def test_equal_differences_leave_no_noise(other: list[float], p_value: float) -> None:
    assert paired_p_value([1.0, 2.0], other) == p_value


def test_one_pair_tells_nothing() -> None:
    assert paired_p_value([1.0], [2.0]) is None


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_a_rank_correlation_is_that_of_scipy(digits: int) -> None:
    draw = random.Random(digits)
    pairs = [(k, round(k / 9 + draw.gauss(0, 1), digits)) for k in range(20)]
    theirs = stats.spearmanr(*zip(*pairs, strict=True))
    assert rank_correlation(pairs) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))


def test_equal_ranks_are_sure_and_a_constant_tells_nothing() -> None:
    assert rank_correlation([(1, 2), (2, 3), (3, 9), (4, 10)]) == (
        pytest.approx(1),
        pytest.approx(0, abs=1e-9),
    )
    assert math.isnan(rank_correlation([(1, 2), (2, 2), (3, 2)])[1])
