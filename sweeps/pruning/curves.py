"""Signs in learning curves: plain numbers in, plain numbers out; numpy only.

Every function sees the rounds so far, oldest first, and nothing later. Indices are positions in those
sequences, from 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Onset:
    """Overfitting: where validation loss turned, and by how much it has risen since.

    turned: position of the smoothed minimum. rise: relative, of the smoothed loss now over it.
    trend_z: Mann-Kendall statistic of the validation loss since. best: position of the best smoothed score.
    """

    turned: int
    rise: float
    trend_z: float
    best: int


def moving_average(values: Sequence[float] | FloatArray, window: int) -> FloatArray:
    """Mean of the latest `window` values at each position (of fewer at the start)."""
    array = np.asarray(values, dtype=np.float64)
    sums = np.cumsum(np.concatenate([[0.0], array]))
    ends = np.arange(1, len(array) + 1)
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def mann_kendall_z(values: Sequence[float] | FloatArray) -> float:
    """Mann-Kendall trend statistic: standard normal without a trend, positive for a rise (Mann 1945).

    Robust to single spikes, as it counts only which of each pair is larger; ties are corrected for.
    """
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    if n < 3:
        return 0.0
    s = float(np.sign(array[None, :] - array[:, None])[np.triu_indices(n, k=1)].sum())
    _, ties = np.unique(array, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    if s == 0 or variance <= 0:
        return 0.0
    return (s - math.copysign(1.0, s)) / math.sqrt(variance)


def overfitting_onset(
    train_loss: Sequence[float],
    valid_loss: Sequence[float],
    score: Sequence[float],
    *,
    budget: int,
    guard: float = 0.20,
    lag: float = 0.06,
    rise: float = 0.02,
    significance_z: float = 1.64,
) -> Onset | None:
    """Whether overfitting has set in and going on is not worth it; None while it has not.

    All of: validation loss has risen since its smoothed minimum, by a significant trend and by at least
    `rise`; that lies at least `lag` of the budget back; training loss is below its value there; and the
    smoothed score (more is better) has set no new best for `guard` of the budget. The last matters most:
    validation loss often turns long before the score has had its best.
    """
    now = len(valid_loss) - 1
    if now < 3:
        return None
    window = max(2, round(0.06 * budget))
    smooth_loss = moving_average(valid_loss, window)
    smooth_score = moving_average(score, window)
    turned = int(np.argmin(smooth_loss))
    best = int(np.argmax(smooth_score))
    if now - turned < max(2, math.ceil(lag * budget)) or now - best < max(2, math.ceil(guard * budget)):
        return None
    if float(np.max(score[best + 1 :], initial=-np.inf)) > float(np.max(score[: best + 1])):
        return None
    risen = float(smooth_loss[now] / smooth_loss[turned] - 1.0) if smooth_loss[turned] > 0 else 0.0
    z = mann_kendall_z(valid_loss[turned:])
    if risen < rise or z <= significance_z or not train_loss[now] < train_loss[turned]:
        return None
    return Onset(turned, risen, z, best)


def collapse_onset(
    train_score: Sequence[float],
    *,
    chance: float,
    share_lost: float = 0.5,
    lasting: int = 3,
    least_gain: float = 0.05,
) -> int | None:
    """The position at which the training score lost more than half its gain over chance, for good so far.

    Scores are oriented: more is better. Training and validation fall together when a network collapses;
    losses may go on falling all the while, so only the score tells. A gain below `least_gain` is noise.
    """
    scores = np.asarray(train_score, dtype=np.float64)
    if len(scores) <= lasting:
        return None
    gain = float(scores[:-lasting].max()) - chance
    if gain < least_gain:
        return None
    fallen = scores < chance + (1.0 - share_lost) * gain
    if not fallen[-lasting:].all():
        return None
    standing = np.flatnonzero(~fallen)
    return int(standing[-1]) + 1
