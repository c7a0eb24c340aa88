"""From the readings of several curves to one suggestion: a range, a point in it, and how far the curves agree."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeps.guidance.rate_curve import NoReading, Reading

ENOUGH = 0.5  # of the curves must give a reading


@dataclass(frozen=True)
class RateRange:
    """A suggestion. low, high, point, diverges: learning rates. spread: quartiles of each over the curves.

    diverges: from where on training diverges, in the median of the curves in which it does; None where in none.
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
        """Under the keys of `-f json`."""
        return {**asdict(self), "decades": self.decades}


@dataclass(frozen=True)
class NoRange:
    """Why there is no suggestion."""

    because: str


def range_of(readings: Sequence[Reading | NoReading]) -> RateRange | NoRange:
    """The range of some curves of one optimizer: the medians of their lows, highs and steepest points."""
    found = [each for each in readings if isinstance(each, Reading)]
    if len(found) < max(1, ENOUGH * len(readings)):
        reasons = [each.because for each in readings if isinstance(each, NoReading)]
        if not reasons:
            return NoRange("no curve was recorded")
        most = statistics.multimode(reasons)[0]
        return NoRange(f"{reasons.count(most)} of {len(readings)} curves: {most}")
    lows, highs, points = ([getattr(each, name) for each in found] for name in ("low", "high", "steepest"))
    edges = [each.diverges for each in found if each.diverges is not None]
    low, high = _median(lows), _median(highs)
    return RateRange(
        low=low,
        high=high,
        point=min(max(_median(points), low), high),
        diverges=_median(edges) if edges else None,
        spread={"low": _quartiles(lows), "high": _quartiles(highs), "point": _quartiles(points)},
    )


def hull(ranges: Sequence[RateRange]) -> tuple[float, float]:
    """The smallest range that contains all of them."""
    return min(each.low for each in ranges), max(each.high for each in ranges)


def rounded_outwards(low: float, high: float) -> tuple[float, float]:
    """The range with two digits, not narrower than it was."""
    return _two_digits(low, math.floor), _two_digits(high, math.ceil)


def _two_digits(value: float, towards: Any) -> float:
    exponent = math.floor(math.log10(value)) - 1
    scaled = round(value / 10.0**exponent, 6)  # 3.0000000001 is not above 3
    return float(f"{towards(scaled)}e{exponent}")


def _median(values: Sequence[float]) -> float:
    """On the logarithmic scale."""
    return math.pow(10.0, statistics.median(math.log10(value) for value in values))


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    logs = statistics.quantiles((math.log10(value) for value in values), n=4, method="inclusive")
    return 10.0 ** logs[0], 10.0 ** logs[2]
