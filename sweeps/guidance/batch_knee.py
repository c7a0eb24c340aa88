"""Suggests batch sizes from measured throughput (its knee) and from the gradient noise scale. Functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEARLY_ALL = 0.8  # the smallest batch with this share of the highest throughput is the knee
PAYS = 1.1  # the factor by which a doubling should raise throughput; two smaller ones in a row end the probe
ROOM = 0.8  # the share of the memory that steps may use: a round with evaluation needs more than a step


@dataclass(frozen=True)
class Measured:
    """What was measured at one batch size. rows_per_second: the median. peak_bytes: the peak of used memory."""

    batch_size: int
    rows_per_second: float
    peak_bytes: int


def still_pays(measured: Sequence[Measured]) -> bool:
    """Whether to measure a larger batch: yes, unless the latest two doublings each gained less than a tenth."""
    if len(measured) < 3:
        return True
    rates = [each.rows_per_second for each in measured[-3:]]
    return rates[1] >= PAYS * rates[0] or rates[2] >= PAYS * rates[1]


def has_room(peak_bytes: float, limit_bytes: float) -> bool:
    """Whether a peak of used memory leaves enough of the memory free."""
    return peak_bytes <= ROOM * limit_bytes


def knee(measured: Sequence[Measured]) -> Measured:
    """The smallest batch with nearly the highest throughput. Raises ValueError if nothing was measured."""
    if not measured:
        raise ValueError("nothing was measured")
    highest = max(each.rows_per_second for each in measured)
    return next(each for each in measured if each.rows_per_second >= NEARLY_ALL * highest)


def noise_scale(small: int, small_square: float, big: int, big_square: float) -> float:
    """The simple noise scale B = tr(Σ) / |G|², in rows (McCandlish et al. 2018, appendix A.1).

    small, big: two batch sizes. small_square, big_square: the mean squared norm of the gradient at each. The result is
    infinite if the noise hides the gradient, and 0 if there is no noise.
    """
    if not small < big:
        raise ValueError(f"{small} is not below {big}")
    gradient = (big * big_square - small * small_square) / (big - small)
    noise = (small_square - big_square) / (1 / small - 1 / big)
    if noise <= 0:
        return 0.0
    return noise / gradient if gradient > 0 else math.inf


def suggested_sizes(measured: Sequence[Measured], noise: float) -> list[int]:
    """The batch sizes to search, at most 4: up to the knee, and from a quarter of the knee or of the noise scale.

    measured: the measurements at doubling sizes. noise: the noise scale, in rows; it counts if it is below the knee.
    """
    top = knee(measured).batch_size
    low = min(top, noise if noise > 0 else top) / 4
    sizes = [each.batch_size for each in measured if low <= each.batch_size <= top]
    return sizes[-4:]
