"""What differs by more than chance."""

from __future__ import annotations

import math

import pytest

from sweeps.repeats.significance import Spread, paired_p_value


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
