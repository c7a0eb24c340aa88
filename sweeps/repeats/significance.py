"""Decides which differences between repeated trials are more than chance. Functions of plain numbers."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of values. The deviation of a single value is NaN."""

    mean: float
    std: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one or more values."""
        std = statistics.stdev(values) if len(values) > 1 else math.nan
        return cls(statistics.fmean(values), std, len(values))

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """The interval that contains the true mean with this confidence (Student's t); None for a single value."""
        if self.count < 2:
            return None
        from scipy.special import (
            stdtrit,  # Student's t as in scipy.stats, which takes three times as long to import
        )

        half = float(stdtrit(self.count - 1, (1 + level) / 2)) * self.std / math.sqrt(self.count)
        return self.mean - half, self.mean + half

    def __str__(self) -> str:
        return f"{self.mean:.4g}" + ("" if math.isnan(self.std) else f" ± {self.std:.2g}")


def paired_p_value(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Two-sided p-value of Student's paired t-test; None with fewer than two pairs.

    `one[i]` and `other[i]` have the same seed (and fold). If all differences are equal, there is no noise; the p-value
    is then 1 if they are zero, else 0.
    """
    if len(one) < 2:
        return None
    from scipy import stats  # here, because reports import this module and must stay fast

    differences = [a - b for a, b in zip(one, other, strict=True)]
    if max(differences) == min(differences):
        return 1.0 if differences[0] == 0 else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # nearly equal differences: the value is close to 0, as it should
        return float(stats.ttest_rel(one, other).pvalue)


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Spearman's rank correlation of three or more pairs, and its two-sided p-value; both NaN if one side is constant.

    It equals `scipy.stats.spearmanr`, whose import takes most of a second.
    """
    from scipy.special import stdtr

    one, other = (_ranks(side) for side in zip(*pairs, strict=True))
    if min(len(set(one)), len(set(other))) == 1:
        return math.nan, math.nan
    found = statistics.correlation(one, other)
    free = len(pairs) - 2
    rest = max(0.0, (1 - found) * (1 + found))
    return found, 0.0 if rest == 0 else float(2 * stdtr(free, -abs(found) * math.sqrt(free / rest)))


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from 0; equal values share the mean of their ranks."""
    order = sorted(values)
    first = {value: k for k, value in reversed(list(enumerate(order)))}
    last = {value: k for k, value in enumerate(order)}
    return [(first[value] + last[value]) / 2 for value in values]
