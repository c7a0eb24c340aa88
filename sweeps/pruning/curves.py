"""Signs in learning curves: plain numbers in, plain numbers out; numpy only.

Every function sees the rounds so far, oldest first, and nothing later. Scores are oriented: more is better. Positions
are those in the sequences, from 0. `budget` is the number of rounds that a trial may run: what counts as lasting, and
how much is averaged over, is a share of it, so that rounds may be of any length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Numbers = Sequence[float] | FloatArray

NO_GAIN = 0.005  # of what a score has gained so far: half a point where it goes from 0 to 1
SIGNIFICANT_Z = 2.2  # of a trend: five rounds that rise one after the other have it
SMOOTHED_SHARE = 0.06  # of the budget, over which curves are averaged


@dataclass(frozen=True)
class Turn:
    """Validation loss has turned while training loss has gone on falling.

    position: of the smoothed minimum. rise: relative, of the smoothed loss now over it. trend_z: Mann-Kendall statistic
    of the validation loss since.
    """

    position: int
    rise: float
    trend_z: float


def moving_average(values: Numbers, window: int) -> FloatArray:
    """Mean of the latest `window` values at each position (of fewer at the start)."""
    array = np.asarray(values, dtype=np.float64)
    sums = np.cumsum(np.concatenate([[0.0], array]))
    ends = np.arange(1, len(array) + 1)
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def mann_kendall_z(values: Numbers) -> float:
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


def noise_of(values: Numbers) -> float:
    """Standard deviation of normal noise about a smooth curve, by the median of its second differences."""
    second = np.abs(np.diff(np.asarray(values, dtype=np.float64), n=2))
    return float(np.median(second)) / 1.652 if len(second) else 0.0  # 0.6745 * sqrt(6)


def path_excess(values: Numbers) -> float:
    """Mean change from one value to the next, less the share of it that leads from the first to the last."""
    changes = np.diff(np.asarray(values, dtype=np.float64))
    return float(np.abs(changes).mean() - abs(changes.mean())) if len(changes) else 0.0


def smoothing_window(budget: int) -> int:
    """Rounds that are averaged over."""
    return max(2, round(SMOOTHED_SHARE * budget))


def loss_turn(
    train_loss: Numbers,
    valid_loss: Numbers,
    *,
    budget: int,
    rise: float = 0.02,
    lag: float = 0.1,
    significance_z: float = SIGNIFICANT_Z,
) -> Turn | None:
    """Whether validation loss has turned while training loss goes on falling; None while it has not.

    All of: validation loss has risen since its smoothed minimum, by a significant trend, by at least `rise` and by more
    than its noise; that lies at least `lag` of the budget back; training loss is below its value there.
    """
    now = len(valid_loss) - 1
    if now < 3:
        return None
    window = smoothing_window(budget)
    smooth, smooth_train = moving_average(valid_loss, window), moving_average(train_loss, window)
    turned = int(np.argmin(smooth))
    if now - turned < max(2, math.ceil(lag * budget)) or not smooth_train[now] < smooth_train[turned]:
        return None
    risen = float(smooth[now] / smooth[turned] - 1.0) if smooth[turned] > 0 else 0.0
    if risen < rise or smooth[now] - smooth[turned] < 2 * noise_of(valid_loss) / math.sqrt(window):
        return None
    z = mann_kendall_z(valid_loss[turned:])
    return Turn(turned, risen, z) if z > significance_z else None


def lasting_rise(
    train_loss: Numbers, valid_loss: Numbers, *, budget: int, rise: float = 0.05, lasting: float = 0.2
) -> Turn | None:
    """Whether validation loss has risen since its minimum and stayed up, though it may be falling again by now.

    All of: over the latest `lasting` of the budget the smoothed loss was never within `rise` of its minimum, nor within
    its noise; training loss is below its value there. To halt by this costs leads: such a curve may yet recover.
    """
    latest = max(2, math.ceil(lasting * budget))
    if len(valid_loss) <= latest:
        return None
    window = smoothing_window(budget)
    smooth, smooth_train = moving_average(valid_loss, window), moving_average(train_loss, window)
    turned = int(np.argmin(smooth))
    lowest = float(smooth[-latest:].min())
    if (
        len(smooth) - 1 - turned < latest
        or not smooth_train[-1] < smooth_train[turned]
        or smooth[turned] <= 0
    ):
        return None
    if lowest < smooth[turned] * (1 + rise) or lowest - smooth[turned] < 2 * noise_of(valid_loss) / math.sqrt(
        window
    ):
        return None
    return Turn(turned, float(smooth[-1] / smooth[turned] - 1.0), mann_kendall_z(valid_loss[turned:]))


def share_of_fall(losses: Numbers, before: int) -> float:
    """How much of all that a loss has ever fallen it fell from position `before` on.

    Of logarithms, where all are positive: so it looks in a plot, where a loss that falls little in all may still be
    falling.
    """
    values = np.asarray(losses, dtype=np.float64)
    if (values > 0).all():
        values = np.log(values)
    reach = float(values.max() - values.min())
    return float(values[:before].min() - values[-1]) / reach if reach > 0 else 0.0


def reached(
    score: Numbers,
    score_error: Numbers,
    *,
    budget: int,
    chance: float = math.nan,
    ceiling: float = math.inf,
) -> int:
    """The position at which the smoothed score was first as good as the best it has been since, but for noise.

    Noise is the standard error of the smoothed score; or, where that is more, a two hundredth of what was gained over
    `chance` (over the first score where that is unknown), but no more than a twentieth of what is left up to `ceiling`:
    near it little is much.
    """
    window = smoothing_window(budget)
    smooth = moving_average(score, window)
    gained = float(smooth.max()) - (float(smooth[0]) if math.isnan(chance) else chance)
    error = float(np.median(np.asarray(score_error, dtype=np.float64))) / math.sqrt(window)
    negligible = min(NO_GAIN * gained, 0.05 * (ceiling - float(smooth.max())))
    return int(np.argmax(smooth >= smooth.max() - max(negligible, error)))


def has_stalled(since: int, now: int, *, budget: int, guard: float) -> bool:
    """Whether from position `since` to `now` there is at least `guard` of the budget."""
    return now - since >= max(2, math.ceil(guard * budget))


def is_steady(learning_rate: Numbers | None, *, budget: int, share: float) -> bool:
    """Whether the learning rate has kept within a fifth of itself over the latest `share` of the budget.

    While it is warmed up or annealed a stall is not final. One that is not recorded is taken for constant.
    """
    if learning_rate is None:
        return True
    latest = np.asarray(learning_rate, dtype=np.float64)[-max(2, math.ceil(share * budget)) :]
    return bool(latest.min() >= 0.8 * latest.max())


def is_under_way(
    train_loss: Numbers, train_score: Numbers, *, chance: float, least_gain: float = 0.05
) -> bool:
    """Whether training gets on, whatever validation does: its score rises, or its loss while nothing is learnt yet."""
    scores = np.asarray(train_score, dtype=np.float64)
    half = len(scores) // 2
    if (
        half
        and scores[half:].mean() - scores[:half].mean() > least_gain / 5
        and mann_kendall_z(scores) > SIGNIFICANT_Z
    ):
        return True
    has_learnt = not math.isnan(chance) and float(np.max(train_score)) - chance >= least_gain
    return not has_learnt and mann_kendall_z(train_loss) < -SIGNIFICANT_Z


def is_at_chance(
    train_score: Numbers, valid_score: Numbers, score_error: Numbers, *, chance: float, budget: int
) -> bool:
    """Whether three quarters of the rounds, and the latest, had no better score than a model that has learnt nothing.

    That is: less than two hundredths or three standard errors above chance, and a twentieth on the training rows.
    """
    window = smoothing_window(budget)
    error = float(np.median(np.asarray(score_error, dtype=np.float64))) / math.sqrt(window)
    for scores, least in ((valid_score, max(0.02, 3 * error)), (train_score, 0.05)):
        usual, latest = np.quantile(scores, 0.75), moving_average(scores, window)[-1]
        if not max(float(usual), float(latest)) - chance < least:
            return False
    return True


def goes_nowhere(train_loss: Numbers, train_score: Numbers, *, budget: int) -> bool:
    """Whether training loss is what it was at first, and neither it nor the training score has a trend.

    Who learns slowly has one.
    """
    losses = moving_average(train_loss, smoothing_window(budget))
    if losses[0] > 0 and losses[-1] < 0.99 * losses[0]:
        return False
    return mann_kendall_z(train_loss) >= -SIGNIFICANT_Z and mann_kendall_z(train_score) <= SIGNIFICANT_Z


def collapse_onset(
    train_score: Numbers,
    *,
    chance: float,
    share_lost: float = 0.5,
    lasting: int = 3,
    least_gain: float = 0.1,
) -> int | None:
    """The position at which the training score lost more than half its gain over chance, for good so far.

    Training and validation fall together when a network collapses; losses may go on falling all the while, so only the
    score tells. A gain below `least_gain` is noise.
    """
    scores = np.asarray(train_score, dtype=np.float64)
    if len(scores) <= lasting:
        return None
    gain = float(scores[:-lasting].max()) - chance
    if not gain >= least_gain:
        return None
    fallen = scores < chance + (1.0 - share_lost) * gain
    if not fallen[-lasting:].all():
        return None
    standing = np.flatnonzero(~fallen)
    return int(standing[-1]) + 1
