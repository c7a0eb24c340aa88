"""Reads one learning-rate curve: the rates at which the loss begins to fall, has fallen, and diverges.

Rates rise from point to point in equal steps of their logarithm. Slopes are taken by the logarithm, too: a slope by the
rate itself is largest where rates are smallest, whatever the loss does there. All thresholds are multiples of the
curve's own descent or noise, so neither the unit nor the sign of the loss matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

MIN_POINTS = 8  # finite losses that a curve must have
KERNEL_DECADES = 0.2  # standard deviation of the smoothing, in decades of the rate
START_SHARE = 0.15  # the share of the points, at the start, at which nothing is learnt yet
BEGUN, NEARLY_OVER = 0.1, 0.9  # the shares of the descent at which it has begun, and is nearly over
RISEN = 0.1  # training diverges where the loss is above its minimum by this share of the descent
NOISES = 5.0  # a descent must be at least so many times the noise of the smoothed loss


@dataclass(frozen=True)
class Reading:
    """What was read from a curve. All fields are learning rates.

    begins: where the loss has fallen by a tenth of its descent. over: where it has fallen by nine tenths. steepest:
    where it falls most per decade. lowest: where it is lowest. diverges: where it has risen again by a tenth of the
    descent; None if it does not rise.
    """

    begins: float
    over: float
    steepest: float
    lowest: float
    diverges: float | None


@dataclass(frozen=True)
class NoReading:
    """Why nothing can be read from a curve."""

    because: str


def read_curve(rates: Sequence[float], losses: Sequence[float]) -> Reading | NoReading:
    """Read a curve, up to its first loss that is not finite. Rates must rise and be above 0."""
    log_rates, found = _finite_part(rates, losses)
    if len(found) < MIN_POINTS:
        return NoReading("diverges from the start: its loss is not finite after the first few steps")
    start = float(np.median(found[: max(3, int(START_SHARE * len(found)))]))
    smooth = smoothed(log_rates, found)
    noise = noise_of(log_rates, found, smooth)
    descent = start - float(smooth.min())
    if descent <= NOISES * noise or descent <= 0:
        risen = float(smooth[-1]) - start
        if risen > NOISES * noise and risen > 0:
            return NoReading("diverges: the loss rises with the rate and does not fall before")
        return NoReading("flat: the loss does not fall by more than its noise at any rate")
    smooth = smoothed(log_rates, np.minimum(found, start + descent))  # limits a loss that explodes
    at = int(np.argmin(smooth))
    descent = start - float(smooth[at])
    if _crosses(smooth, start - BEGUN * descent, at) == 0:
        return NoReading("falls from the lowest rate on: begin at a lower rate")
    rising = np.flatnonzero(smooth[at:] > smooth[at] + RISEN * descent)
    if not len(rising) and at >= len(found) - 2 and len(found) == len(losses):
        return NoReading("still falls at the highest rate: end at a higher rate")
    slope = np.gradient(smooth, log_rates)
    first, last = (_crosses(smooth, start - part * descent, at) for part in (BEGUN, NEARLY_OVER))
    steepest = first + int(np.argmin(slope[first : max(last, first + 1) + 1]))
    diverges = _rate(log_rates, at + int(rising[0])) if len(rising) else None
    if diverges is None and len(found) < len(losses):
        diverges = float(rates[len(found)])
    return Reading(
        _rate(log_rates, first),
        _rate(log_rates, last),
        _rate(log_rates, steepest),
        _rate(log_rates, at),
        diverges,
    )


def smoothed(log_rates: Values, losses: Values) -> Values:
    """The mean of the losses around each rate, weighted by a Gaussian of `KERNEL_DECADES`, after a median of three.

    It is centred: a moving mean of past values, as in fastai and Lightning, would find each of the rates too late.
    """
    calm = _median_of_three(losses)
    distance = (log_rates[:, None] - log_rates[None, :]) / KERNEL_DECADES
    weight = np.exp(-0.5 * distance**2)
    mean: Values = (weight @ calm) / weight.sum(1)
    return mean


def noise_of(log_rates: Values, losses: Values, smooth: Values) -> float:
    """The standard error of the smoothed loss, from the median deviation of the first half and the points in a mean."""
    early = slice(0, max(MIN_POINTS, len(losses) // 2))
    deviation = 1.4826 * float(np.median(np.abs(losses[early] - smooth[early])))
    step = (log_rates[-1] - log_rates[0]) / (len(log_rates) - 1)
    points = max(1.0, 2 * np.sqrt(np.pi) * KERNEL_DECADES / step)
    return float(deviation / np.sqrt(points))


def _finite_part(rates: Sequence[float], losses: Sequence[float]) -> tuple[Values, Values]:
    values = np.asarray(losses, dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    end = int(bad[0]) if len(bad) else len(values)
    return np.log10(np.asarray(rates, dtype=float)[:end]), values[:end]


def _crosses(smooth: Values, level: float, before: int) -> int:
    """The position from which the smoothed loss stays at or below `level`, up to position `before`."""
    above = np.flatnonzero(smooth[: before + 1] > level)
    return min(before, int(above[-1]) + 1) if len(above) else 0


def _median_of_three(values: Values) -> Values:
    """The running median of three values, which removes single spikes."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    calm: Values = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return calm


def _rate(log_rates: Values, at: int) -> float:
    return float(10.0 ** log_rates[at])
