"""Makes one suggestion from the readings of several curves: a range, a point in it, and how well the curves agree."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeps.guidance.rate_curve import NoReading, Reading

ENOUGH = 0.5  # the share of the curves from which a reading is needed
DECADES = 1.45  # the width of a range in decades; less than 1.5, because its ends are rounded outwards


@dataclass(frozen=True)
class RateRange:
    """A suggested range of learning rates.

    point: the middle of the range on the logarithmic scale. diverges: the rate from which training diverges, as the
    median of the curves in which it does; None if it does in none. spread: the first and third quartile, over the
    curves, of the rates at which the descent begins, is steepest, and is over.
    """

    low: float
    high: float
    point: float
    diverges: float | None
    spread: dict[str, tuple[float, float]]

    @property
    def decades(self) -> float:
        """How many powers of ten the range spans."""
        return math.log10(self.high / self.low)

    def record(self) -> dict[str, Any]:
        """The record with the keys of `-f json`."""
        return {**asdict(self), "decades": self.decades}


@dataclass(frozen=True)
class NoRange:
    """Why there is no suggestion."""

    because: str


def range_of(
    readings: Sequence[Reading | NoReading], tested: tuple[float, float] = (0.0, math.inf)
) -> RateRange | NoRange:
    """The range that some curves of one optimizer suggest, within the tested rates.

    It is `DECADES` wide. Its middle is the median rate at which nine tenths of the descent are done; but it ends below
    the rate at which training diverges. docs/guidance.md names the tasks on which this rule was chosen.
    """
    found = [each for each in readings if isinstance(each, Reading)]
    if len(found) < max(1, ENOUGH * len(readings)):
        reasons = [each.because for each in readings if isinstance(each, NoReading)]
        if not reasons:
            return NoRange("no curve was recorded")
        most = statistics.multimode(reasons)[0]
        return NoRange(f"{reasons.count(most)} of {len(readings)} curves: {most}")
    edges = [each.diverges for each in found if each.diverges is not None]
    diverges = _median(edges) if edges else None
    over = _median([each.over for each in found])
    high = min(over * 10 ** (DECADES / 2), diverges or math.inf, tested[1])
    low = max(high / 10**DECADES, tested[0])
    names = ("begins", "steepest", "over")
    spread = {name: _quartiles([getattr(each, name) for each in found]) for name in names}
    return RateRange(low, high, math.sqrt(low * high), diverges, spread)


def hull(ranges: Sequence[RateRange]) -> tuple[float, float]:
    """The smallest range that contains all of them."""
    return min(each.low for each in ranges), max(each.high for each in ranges)


def rounded_outwards(low: float, high: float) -> tuple[float, float]:
    """The range with its ends rounded outwards to two digits."""
    return _two_digits(low, math.floor), _two_digits(high, math.ceil)


def _two_digits(value: float, towards: Any) -> float:
    exponent = math.floor(math.log10(value)) - 1
    scaled = round(value / 10.0**exponent, 6)  # 3.0000000001 is not above 3
    return float(f"{towards(scaled)}e{exponent}")


def _median(values: Sequence[float]) -> float:
    """The median on the logarithmic scale."""
    return math.pow(10.0, statistics.median(math.log10(value) for value in values))


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    logs = statistics.quantiles((math.log10(value) for value in values), n=4, method="inclusive")
    return 10.0 ** logs[0], 10.0 ** logs[2]
