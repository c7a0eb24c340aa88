"""Signs in learning curves: functions of plain numbers, which need numpy only.

Every function gets the rounds so far, oldest first, and nothing later. Scores are oriented: larger is better. Positions
are indices into the sequences, from 0. `budget` is the number of rounds that a trial may run. Windows and waiting times
are shares of it, so rounds may be of any length. No unit matters: adding a constant to the losses, or multiplying
losses or scores by a positive number, changes no result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Numbers = Sequence[float] | FloatArray

SIGNIFICANT_Z = 2.2  # a trend with a larger z is significant: five rounds that rise in a row reach it
FEWEST_FOR_SPIKES = 20  # of so many changes or more, a tenth may be spikes
SMOOTHED_SHARE = 0.06  # the share of the budget over which curves are averaged


@dataclass(frozen=True)
class Turn:
    """The turn of a validation loss from falling to rising, while the training loss falls.

    position: the position of the smoothed minimum. lowest, latest: the smoothed loss there and now. trend_z:
    Mann-Kendall statistic of the validation loss since then.
    """

    position: int
    lowest: float
    latest: float
    trend_z: float


def moving_average(values: Numbers, window: int) -> FloatArray:
    """At each position, the mean of the latest `window` values (fewer at the start)."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return array
    origin = array[0] if math.isfinite(array[0]) else 0.0  # a large constant would cost digits in the sums
    sums = np.cumsum(np.concatenate([[0.0], array - origin]))
    ends = np.arange(1, len(array) + 1)
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts) + origin)


def mann_kendall_z(values: Numbers) -> float:
    """Mann-Kendall trend statistic: standard normal without a trend, positive for a rise (Mann 1945).

    Robust to single spikes, because it counts only which value of each pair is larger. The variance is corrected for
    ties.
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


def noise_of(values: Numbers) -> float:
    """Standard deviation of normal noise about a smooth curve, estimated from the median of its second differences."""
    second = np.abs(np.diff(np.asarray(values, dtype=np.float64), n=2))
    return float(np.median(second)) / 1.652 if len(second) else 0.0  # 0.6745 * sqrt(6)


def jitter_of(values: Numbers) -> float:
    """Standard deviation of the change from round to round, estimated from the mean of the second differences.

    It uses the latest half of the values, at least 12. It is smaller than the sampling error of a score: all rounds are
    scored on the same rows, so they share most of that error and differ by a quarter to a half of it.
    """
    array = np.asarray(values, dtype=np.float64)
    second = np.abs(np.diff(array[-max(12, len(array) // 2) :], n=2))
    if not len(second):
        return 0.0
    usual = float(np.median(second))
    if usual > 0:  # so that a single spike counts little
        second = np.minimum(second, 4 * usual)
    return float(second.mean()) / 1.954  # sqrt(6) * sqrt(2 / pi)


def path_excess(values: Numbers) -> float:
    """Mean size of the changes between neighbouring values, minus the size of the mean change (0 without reversals)."""
    changes = np.diff(np.asarray(values, dtype=np.float64))
    return float(np.abs(changes).mean() - abs(changes.mean())) if len(changes) else 0.0


def without_spikes(values: Numbers) -> FloatArray:
    """The values with the largest tenth of their changes limited to the size of the others, so that spikes flatten."""
    array = np.asarray(values, dtype=np.float64)
    changes = np.diff(array)
    if len(changes) < FEWEST_FOR_SPIKES:
        return array
    most = float(np.quantile(np.abs(changes), 0.9))
    return np.asarray(np.cumsum(np.concatenate([array[:1], np.clip(changes, -most, most)])))


def smoothing_window(budget: int) -> int:
    """The number of rounds over which curves are averaged."""
    return max(2, round(SMOOTHED_SHARE * budget))


def reach_of(values: Numbers, share: float = 0.9) -> float:
    """The distance from the smallest value to the `share` quantile, which ignores extreme values of first rounds."""
    array = np.asarray(values, dtype=np.float64)
    return float(np.quantile(array, share) - array.min()) if len(array) else 0.0


def loss_turn(
    train_loss: Numbers | None,
    valid_loss: Numbers,
    *,
    budget: int,
    rise: float = 0.02,
    lag: float = 0.1,
    significance_z: float = SIGNIFICANT_Z,
) -> Turn | None:
    """The turn of the validation loss, if it now rises while the training loss falls; else None.

    All of this must hold: the validation loss has risen since its smoothed minimum by a significant trend, by at least
    `rise` times the range of the losses and by more than its noise; the minimum lies at least `lag` times the budget
    back; the training loss has fallen since then by more than its noise. Without a training loss (None), the last
    condition is omitted.
    """
    now = len(valid_loss) - 1
    if now < 3:
        return None
    smooth = moving_average(valid_loss, smoothing_window(budget))
    turned = int(np.argmin(smooth))
    if now - turned < max(2, math.ceil(lag * budget)):
        return None
    reach = reach_of_losses(smooth, train_loss, budget=budget)
    if not is_rise(float(smooth[now] - smooth[turned]), valid_loss, budget=budget, least=rise * reach):
        return None
    if not is_fitted_since(train_loss, turned, budget=budget):
        return None
    z = mann_kendall_z(valid_loss[turned:])
    return Turn(turned, float(smooth[turned]), float(smooth[now]), z) if z > significance_z else None


def lasting_rise(
    train_loss: Numbers | None,
    valid_loss: Numbers,
    *,
    budget: int,
    rise: float = 0.05,
    lasting: float = 0.2,
) -> Turn | None:
    """The turn of a validation loss that has risen since its minimum and stayed up; else None. It may now fall again.

    All of this must hold: during the latest `lasting` times the budget, the smoothed loss was always above its minimum
    by more than `rise` times the range of the losses and by more than its noise; the training loss has fallen since the
    minimum. This is for diagnosis only: such a curve may recover, so halting here would lose good trials.
    """
    latest = max(2, math.ceil(lasting * budget))
    if len(valid_loss) <= latest:
        return None
    smooth = moving_average(valid_loss, smoothing_window(budget))
    turned = int(np.argmin(smooth))
    lowest = float(smooth[-latest:].min())
    if len(smooth) - 1 - turned < latest or not is_fitted_since(train_loss, turned, budget=budget):
        return None
    reach = reach_of_losses(smooth, train_loss, budget=budget)
    if not is_rise(lowest - float(smooth[turned]), valid_loss, budget=budget, least=rise * reach, errors=3):
        return None
    return Turn(turned, float(smooth[turned]), float(smooth[-1]), mann_kendall_z(valid_loss[turned:]))


def reach_of_losses(smooth_valid: FloatArray, train_loss: Numbers | None, *, budget: int) -> float:
    """The range of the losses (see `reach_of`): the larger one of validation and training, both smoothed."""
    reach = reach_of(smooth_valid)
    if train_loss is None:
        return reach
    return max(reach, reach_of(moving_average(train_loss, smoothing_window(budget))))


def is_rise(risen: float, valid_loss: Numbers, *, budget: int, least: float, errors: float = 2) -> bool:
    """Whether `risen` is at least `errors` times the noise of the smoothed loss, and at least `least`."""
    noise = errors * noise_of(valid_loss) / math.sqrt(smoothing_window(budget))
    return risen > 0 and risen >= max(noise, least)


def is_fitted_since(train_loss: Numbers | None, position: int, *, budget: int) -> bool:
    """Whether the smoothed training loss has fallen since `position` by more than its noise, or was at its minimum.

    It counts as at its minimum if, then and now, it lies above its smallest value by at most a hundredth of its range.
    True without a training loss.
    """
    if train_loss is None:
        return True
    window = smoothing_window(budget)
    smooth = moving_average(train_loss, window)
    fallen = float(smooth[position] - smooth[-1])
    if fallen > 0 and fallen >= 2 * noise_of(train_loss) / math.sqrt(window):
        return True
    return float(max(smooth[position], smooth[-1]) - smooth.min()) <= 0.01 * reach_of(smooth)


def share_of_fall(losses: Numbers, before: int, start: int = 0) -> float:
    """The fall of a loss below its lowest value before position `before`, as a share of its range since `start`."""
    values = np.asarray(losses, dtype=np.float64)
    reach = float(values[start:].max() - values[start:].min())
    return float(values[:before].min() - values[-1]) / reach if reach > 0 else 0.0


def reached(score: Numbers, *, budget: int, negligible: float) -> int:
    """The first position at which the smoothed score was within `negligible` of its best value so far."""
    smooth = moving_average(score, smoothing_window(budget))
    return int(np.argmax(smooth >= smooth.max() - negligible))


def slope_of(values: Numbers) -> tuple[float, float]:
    """The slope per round of a least-squares line through the values, and the slope's standard error."""
    array = np.asarray(values, dtype=np.float64)
    rounds = np.arange(len(array)) - (len(array) - 1) / 2
    squares = float((rounds**2).sum())
    if squares == 0:
        return 0.0, 0.0
    slope = float((rounds * (array - array.mean())).sum()) / squares
    residuals = array - array.mean() - slope * rounds
    return slope, math.sqrt(float((residuals**2).sum()) / max(1, len(array) - 2) / squares)


def has_stalled(since: int, now: int, *, budget: int, guard: float) -> bool:
    """Whether `now` lies at least `guard` times the budget after position `since`."""
    return now - since >= max(2, math.ceil(guard * budget))


def is_steady(learning_rate: Numbers | None, *, budget: int, share: float) -> bool:
    """Whether the learning rate has varied by less than a fifth over the latest `share` of the budget.

    During warm-up or annealing, a stall is not final. A learning rate that is not recorded is taken as constant.
    """
    if learning_rate is None:
        return True
    latest = np.asarray(learning_rate, dtype=np.float64)[-max(2, math.ceil(share * budget)) :]
    return bool(latest.min() >= 0.8 * latest.max())


def rises(values: Numbers, *, significance_z: float = SIGNIFICANT_Z) -> bool:
    """Whether there is a significant upward trend."""
    return mann_kendall_z(values) > significance_z


def falls(values: Numbers, *, significance_z: float = SIGNIFICANT_Z) -> bool:
    """Whether there is a significant downward trend."""
    return mann_kendall_z(values) < -significance_z


def collapse_onset(
    scores: Numbers, *, floor: float, least_gain: float, share_lost: float = 0.5, lasting: int = 3
) -> int | None:
    """The position from which a score has lost more than `share_lost` of its gain over `floor`; None if it has not.

    The last `lasting` scores must all be that low. When a network collapses, its training and validation
    scores fall together, while its losses may still fall; so only the scores show it. A gain below `least_gain` is
    noise.
    """
    values = np.asarray(scores, dtype=np.float64)
    if len(values) <= lasting:
        return None
    gain = float(values[:-lasting].max()) - floor
    if not gain >= least_gain:
        return None
    fallen = values < floor + (1.0 - share_lost) * gain
    if not fallen[-lasting:].all():
        return None
    standing = np.flatnonzero(~fallen)
    return int(standing[-1]) + 1 if len(standing) else None
