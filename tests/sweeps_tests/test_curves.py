"""Signs in curves, on curves drawn by hand and as properties."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.pruning.curves import collapse_onset, mann_kendall_z, moving_average, overfitting_onset

Curve = Callable[[int], float]
LOSSES = st.lists(st.floats(0.01, 10.0), min_size=4, max_size=60)


def falling(k: int) -> float:
    return 1.0 / (k + 1)


def u_shaped(k: int) -> float:
    return 0.3 + 0.002 * (k - 10) ** 2


def peaked(k: int) -> float:
    return 0.9 - 0.0005 * (k - 12) ** 2


def rising(k: int) -> float:
    return 0.9 - 0.5 / (k + 1)


def halted_at(train: Curve, valid: Curve, score: Curve, budget: int = 50) -> int | None:
    """The position at which rounds, coming one at a time, first show overfitting."""
    for now in range(1, budget + 1):
        rounds = range(now)
        found = overfitting_onset(
            [train(k) for k in rounds], [valid(k) for k in rounds], [score(k) for k in rounds], budget=budget
        )
        if found is not None:
            return now - 1
    return None


@pytest.mark.parametrize(
    ("train", "valid", "score", "between"),
    [
        pytest.param(falling, u_shaped, peaked, (18, 30), id="overfits"),
        pytest.param(falling, u_shaped, rising, None, id="loss turns while the score still climbs"),
        pytest.param(falling, falling, rising, None, id="still improving"),
        pytest.param(u_shaped, u_shaped, peaked, None, id="training loss rises too: not overfitting"),
        pytest.param(falling, lambda k: 0.5, lambda k: 0.8, None, id="constant"),
        pytest.param(falling, lambda k: 5.0 if k == 20 else falling(k), rising, None, id="a single spike"),
        pytest.param(
            falling,
            lambda k: 0.5 + 0.01 * (k % 2),
            lambda k: 0.8 + 0.001 * (k % 3),
            None,
            id="noise about a plateau",
        ),
        pytest.param(falling, lambda k: 0.5 * 1.0003**k, peaked, None, id="a drift below two per cent"),
        pytest.param(
            falling,
            lambda k: u_shaped(k) if k < 16 else 0.2 / (k - 14),
            lambda k: peaked(k) if k < 16 else 0.9 + 0.002 * (k - 15),
            None,
            id="double descent before the guard has run out",
        ),
    ],
)
def test_overfitting_is_seen_where_it_is(
    train: Curve, valid: Curve, score: Curve, between: tuple[int, int] | None
) -> None:
    at = halted_at(train, valid, score)
    if between is None:
        assert at is None
    else:
        assert at is not None
        assert between[0] <= at <= between[1]


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_few_rounds_show_nothing(rounds: int) -> None:
    ones = [1.0] * rounds
    assert overfitting_onset(ones, ones, ones, budget=50) is None
    assert collapse_onset(ones, chance=0.1) is None


@given(LOSSES, st.integers(-8, 8))
def test_scaling_losses_by_a_power_of_two_changes_no_verdict(losses: list[float], exponent: int) -> None:
    scores = [-loss for loss in losses]
    train = [1.0 / (k + 1) for k in range(len(losses))]
    factor = 2.0**exponent
    plain = overfitting_onset(train, losses, scores, budget=40)
    scaled = overfitting_onset([t * factor for t in train], [v * factor for v in losses], scores, budget=40)
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
