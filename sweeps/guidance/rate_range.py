"""From the readings of several curves to one suggestion: a range, a point in it, and how far the curves agree."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeps.guidance.rate_curve import NoReading, Reading

ENOUGH = 0.5  # of the curves must give a reading
DECADES = 1.45  # of a range; less than 1.5, because its ends are rounded outwards


@dataclass(frozen=True)
class RateRange:
    """A suggestion. low, high, point, diverges: learning rates. spread: quartiles over the curves.

    point: the middle of the range on the logarithmic scale. diverges: from where on training diverges, in the median of
    the curves in which it does; None where in none. spread: of where the descent begins, is steepest, and is over.
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


def range_of(
    readings: Sequence[Reading | NoReading], tested: tuple[float, float] = (0.0, math.inf)
) -> RateRange | NoRange:
    """The range of some curves of one optimizer, within the tested rates.

    It is `DECADES` wide and lies around the median rate at which nine tenths of the descent are done, but not above the
    one at which training diverges. docs/guidance.md says on which tasks this was decided.
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
