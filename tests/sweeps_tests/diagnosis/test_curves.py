"""Signs in curves, on curves drawn by hand and as properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.pruning.curves import collapse_onset, loss_turn, mann_kendall_z, moving_average, reached

LOSSES = st.lists(st.floats(0.01, 10.0), min_size=4, max_size=60)


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_few_rounds_show_nothing(rounds: int) -> None:
    ones = [1.0] * rounds
    assert loss_turn(ones, ones, budget=50) is None
    assert collapse_onset(ones, chance=0.1) is None


@given(LOSSES, st.integers(-8, 8))
def test_scaling_losses_by_a_power_of_two_changes_no_sign(losses: list[float], exponent: int) -> None:
    train = [1.0 / (k + 1) for k in range(len(losses))]
    factor = 2.0**exponent
    plain = loss_turn(train, losses, budget=40)
    scaled = loss_turn([t * factor for t in train], [v * factor for v in losses], budget=40)
    assert plain == scaled


@given(LOSSES)
def test_a_trend_reversed_is_the_opposite_trend(values: list[float]) -> None:
    assert mann_kendall_z(values) == -mann_kendall_z(values[::-1])


def test_the_trend_statistic_agrees_with_the_textbook() -> None:
    # Ten strictly rising values: S = 45, variance 10 * 9 * 25 / 18 = 125, z = 44 / sqrt(125).
    assert mann_kendall_z(range(10)) == pytest.approx(44 / math.sqrt(125))


@given(LOSSES, st.integers(1, 10))
def test_a_moving_average_stays_between_the_extremes(values: list[float], window: int) -> None:
    smooth = moving_average(values, window)
    assert len(smooth) == len(values)
    assert smooth[0] == pytest.approx(values[0])
    assert min(values) - 1e-9 <= smooth.min() <= smooth.max() <= max(values) + 1e-9


def test_a_score_is_reached_where_only_noise_came_after() -> None:
    scores = [0.1, 0.5, 0.9, 0.9, 0.902, 0.898, 0.903, 0.901]
    nothing_known = [0.0] * 8
    assert reached(scores, nothing_known, budget=20, chance=0.1) == 3  # smoothed over two rounds
    assert reached(scores, [0.3] * 8, budget=20, chance=0.1) == 2  # as good as the sampling error can tell
    assert reached(sorted(scores), nothing_known, budget=1000, chance=0.1) == 7


@pytest.mark.parametrize(
    ("scores", "onset"),
    [
        ([0.5, 0.9, 0.9, 0.2, 0.2, 0.2], 3),
        ([0.5, 0.9, 0.9, 0.2, 0.2], None),  # not lasting yet
        ([0.5, 0.9, 0.2, 0.9, 0.2, 0.2], None),  # a spike
        ([0.5, 0.9, 0.2, 0.9, 0.2, 0.2, 0.1], 4),  # after a spike
        ([0.5, 0.9, 0.8, 0.7, 0.7, 0.7], None),  # loses less than half its gain
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], None),  # never learnt: nothing to lose
        ([0.1, 0.12, 0.1, 0.09, 0.1, 0.1], None),  # noise about chance
    ],
)
def test_a_collapse_loses_half_the_gain_for_three_rounds(scores: list[float], onset: int | None) -> None:
    assert collapse_onset(scores, chance=0.1) == onset


def test_near_the_ceiling_little_is_much() -> None:
    scores = [0.5, 0.976, 0.976, 0.9765, 0.978, 0.9795, 0.98, 0.98]
    nothing_known = [0.0] * len(scores)
    assert reached(scores, nothing_known, budget=20, chance=0.1) == 2
    assert reached(scores, nothing_known, budget=20, chance=0.1, ceiling=1.0) == 6
