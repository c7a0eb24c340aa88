"""One suggestion from several curves."""

from __future__ import annotations

import pytest

from sweeps.guidance.rate_curve import NoReading, Reading, read_curve
from sweeps.guidance.rate_range import DECADES, NoRange, RateRange, hull, range_of, rounded_outwards
from tests.sweeps_tests.guidance.drawn_rates import RATES, drawn, flat


def readings(num: int) -> list[Reading | NoReading]:
    return [read_curve(RATES, drawn(noise=0.1, seed=seed)) for seed in range(num)]


def test_a_curve_that_says_nothing_does_not_move_the_range_of_the_others() -> None:
    found, with_flat = range_of(readings(6)), range_of([*readings(6), read_curve(RATES, flat())])
    assert isinstance(found, RateRange)
    assert found == with_flat
    assert found.low < found.point < found.high
    assert found.low < found.spread["over"][0] <= found.spread["over"][1] < found.high


def test_a_range_has_its_width_and_ends_where_training_diverges() -> None:
    found = range_of([read_curve(RATES, drawn(begins=-3, over=-1, diverges=-0.5))])
    assert isinstance(found, RateRange)
    assert found.high == found.diverges
    assert found.decades == pytest.approx(DECADES)
    assert found.low < found.point < found.high


def test_a_range_lies_within_the_rates_that_were_tested() -> None:
    alone = range_of(readings(2))
    assert isinstance(alone, RateRange)
    found = range_of(readings(2), (1.1 * alone.low, 0.9 * alone.high))
    assert isinstance(found, RateRange)
    assert (found.low, found.high) == pytest.approx((1.1 * alone.low, 0.9 * alone.high))


def test_most_curves_without_a_reading_give_no_range_but_the_reason() -> None:
    found = range_of([*readings(1), *(read_curve(RATES, flat(seed=seed)) for seed in range(3))])
    assert isinstance(found, NoRange)
    assert found.because.startswith("3 of 4 curves: flat")


def test_the_hull_holds_every_range() -> None:
    found = range_of(readings(2))
    other = range_of([read_curve(RATES, drawn(begins=-3, over=-1, diverges=0))])
    assert isinstance(found, RateRange)
    assert isinstance(other, RateRange)
    assert hull([found, other]) == (found.low, other.high)


@pytest.mark.parametrize(
    ("given", "rounded"), [((1.234e-4, 0.0121), (1.2e-4, 0.013)), ((3e-4, 0.05), (3e-4, 0.05))]
)
def test_rounding_never_narrows_a_range(given: tuple[float, float], rounded: tuple[float, float]) -> None:
    assert rounded_outwards(*given) == rounded
