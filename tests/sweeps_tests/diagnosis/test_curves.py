"""Signs in curves, on curves drawn by hand and as properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.pruning.curves import collapse_onset, loss_turn, mann_kendall_z, moving_average, reached
from sweeps.pruning.learning_curve import curve_from_columns
from sweeps.pruning.scale import scale_of
from sweeps.trial.metric import Metric

LOSSES = st.lists(st.floats(0.01, 10.0), min_size=4, max_size=60)


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_few_rounds_show_nothing(rounds: int) -> None:
    ones = [1.0] * rounds
    assert loss_turn(ones, ones, budget=50) is None
    assert collapse_onset(ones, floor=0.1, least_gain=0.1) is None


@given(LOSSES, st.integers(-8, 8))
def test_scaling_losses_by_a_power_of_two_changes_no_sign(losses: list[float], exponent: int) -> None:
    train = [1.0 / (k + 1) for k in range(len(losses))]
    factor = 2.0**exponent
    plain = loss_turn(train, losses, budget=40)
    scaled = loss_turn([t * factor for t in train], [v * factor for v in losses], budget=40)
    assert (plain is None) == (scaled is None)
    if plain is not None and scaled is not None:
        assert (scaled.position, scaled.latest) == (plain.position, factor * plain.latest)


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
    assert reached(scores, budget=20, negligible=0.004) == 3  # smoothed over two rounds
    assert reached(scores, budget=20, negligible=0.21) == 2
    assert reached(sorted(scores), budget=1000, negligible=0.0) == 7


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
    assert collapse_onset(scores, floor=0.1, least_gain=0.1) == onset


def test_near_the_ceiling_little_is_much() -> None:
    scores = [0.5, 0.976, 0.976, 0.9765, 0.978, 0.9795, 0.98, 0.98]
    columns = {"valid_loss": [1.0] * 8, "valid_score": scores}
    share, unknown = (
        curve_from_columns(columns, Metric("score", "maximize", chance, 0)) for chance in (0.1, -0.1)
    )
    assert share.ceiling == 1.0
    assert math.isinf(unknown.ceiling)  # a score that may be negative is no share
    assert scale_of(share, 20).little < scale_of(unknown, 20).little
