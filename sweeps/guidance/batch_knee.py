"""Which batch size is worth its rows: the knee of throughput, and the gradient noise scale. Only numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEARLY_ALL = 0.8  # of the highest throughput: the smallest batch that reaches it is the knee
PAYS = 1.1  # a doubling must raise the throughput by a tenth; two in a row that do not end the probe
ROOM = 0.8  # of the memory may be used: a round with evaluation needs more than a step


@dataclass(frozen=True)
class Measured:
    """One batch size. rows_per_second: median. peak_bytes: of memory, at most."""

    batch_size: int
    rows_per_second: float
    peak_bytes: int


def still_pays(measured: Sequence[Measured]) -> bool:
    """Whether a larger batch is worth measuring: not after two doublings in a row that gained less than a tenth."""
    if len(measured) < 3:
        return True
    rates = [each.rows_per_second for each in measured[-3:]]
    return rates[1] >= PAYS * rates[0] or rates[2] >= PAYS * rates[1]


def has_room(peak_bytes: float, limit_bytes: float) -> bool:
    """Whether a peak leaves enough of the memory free."""
    return peak_bytes <= ROOM * limit_bytes


def knee(measured: Sequence[Measured]) -> Measured:
    """The smallest batch that reaches nearly the highest throughput. Raises ValueError for nothing measured."""
    if not measured:
        raise ValueError("nothing was measured")
    highest = max(each.rows_per_second for each in measured)
    return next(each for each in measured if each.rows_per_second >= NEARLY_ALL * highest)


def noise_scale(small: int, small_square: float, big: int, big_square: float) -> float:
    """The simple noise scale B = tr(Σ) / |G|², in rows (McCandlish et al. 2018, appendix A.1).

    small, big: two batch sizes. small_square, big_square: the mean squared norm of the gradient at each. Infinite
    where the noise hides the gradient, 0 where there is no noise.
    """
    if not small < big:
        raise ValueError(f"{small} is not below {big}")
    gradient = (big * big_square - small * small_square) / (big - small)
    noise = (small_square - big_square) / (1 / small - 1 / big)
    if noise <= 0:
        return 0.0
    return noise / gradient if gradient > 0 else math.inf


def suggested_sizes(measured: Sequence[Measured], noise: float) -> list[int]:
    """Powers of two to search: up to the knee, from a quarter of the knee or of the noise scale, if that is smaller."""
    top = knee(measured).batch_size
    low = min(top, noise if noise > 0 else top) / 4
    sizes = [each.batch_size for each in measured if low <= each.batch_size <= top]
    return sizes[-4:]
