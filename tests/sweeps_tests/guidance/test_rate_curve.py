"""The reading of a learning-rate curve: its edges, and when it refuses one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sweeps.guidance.known_suggestions import known_suggestions
from sweeps.guidance.rate_curve import NoReading, Reading, read_curve
from tests.sweeps_tests.guidance.drawn_rates import LOG_RATES, RATES, drawn, flat


def log_reading(losses: list[float]) -> dict[str, float]:
    found = read_curve(RATES, losses)
    assert isinstance(found, Reading), found
    return {name: math.log10(getattr(found, name) or math.nan) for name in found.__dataclass_fields__}


def test_edges_lie_where_the_descent_was_drawn() -> None:
    found = log_reading(drawn(begins=-4, over=-2, diverges=-1))
    assert found["begins"] == pytest.approx(-3.8, abs=0.15)
    assert found["over"] == pytest.approx(-2.2, abs=0.15)
    assert -4 < found["begins"] <= found["steepest"] <= found["over"] < found["lowest"] < found["diverges"]
    assert found["diverges"] == pytest.approx(-1.4, abs=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_noise_moves_the_edges_little(seed: int) -> None:
    calm, noisy = log_reading(drawn()), log_reading(drawn(noise=0.15, seed=seed))
    for name in ("begins", "over"):
        assert noisy[name] == pytest.approx(calm[name], abs=0.4)


def test_neither_the_unit_nor_the_sign_of_the_loss_matters() -> None:
    losses = drawn(noise=0.05)
    assert log_reading([1000 * loss - 7000 for loss in losses]) == pytest.approx(log_reading(losses))


def test_one_early_spike_is_no_descent() -> None:
    losses = drawn()
    losses[3] += 30.0
    assert log_reading(losses) == pytest.approx(log_reading(drawn()), abs=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_a_loss_that_only_jitters_gives_no_reading(seed: int) -> None:
    found = read_curve(RATES, flat(seed=seed))
    assert isinstance(found, NoReading)
    assert found.because.startswith("flat")


def test_a_loss_that_only_rises_diverges() -> None:
    losses = [2.3 + 10.0 ** (log_rate + 2) for log_rate in LOG_RATES]
    found = read_curve(RATES, losses)
    assert isinstance(found, NoReading)
    assert found.because.startswith("diverges")


def test_a_loss_that_is_not_finite_after_a_few_steps_diverges_from_the_start() -> None:
    found = read_curve(RATES, [2.3, 2.2, *[math.nan] * 98])
    assert isinstance(found, NoReading)
    assert "from the start" in found.because


def test_a_loss_that_still_falls_at_the_highest_rate_asks_for_higher_rates() -> None:
    found = read_curve(RATES, drawn(begins=-1, over=4, diverges=None))
    assert isinstance(found, NoReading)
    assert "higher rate" in found.because


def test_lightning_favours_tiny_rates_on_a_noisy_loss_and_the_reading_does_not() -> None:
    losses = drawn(noise=0.1)
    others = known_suggestions(RATES, losses)
    assert others["lightning"] is not None
    assert others["lightning"] < 1e-5
    assert log_reading(losses)["begins"] > -4.5
    assert others["fastai_valley"] is not None
    assert 1e-5 < others["fastai_valley"] < 1e-1


def test_known_suggestions_of_a_curve_computed_by_hand() -> None:
    """A smoothed loss that falls by one in each of the steps 40 to 60: 22 points in a row."""
    from sweeps.guidance.known_suggestions import steep, valley

    losses = [60.0] * 40 + [60.0 - k for k in range(1, 22)] + [80.0] * 39
    assert valley(RATES, losses) == RATES[38 + 7 + 3]
    falls = [5.0, 5.0, 4.0, 1.0, 0.9]
    assert steep(RATES[:5], falls) == RATES[2]
    assert np.diff(np.log(RATES)).std() < 1e-9
