"""Computes the learning rates that other tools would suggest, by their own definitions, from the same curves.

fastai's `lr_find` (fastai/callback/schedule.py) and Lightning's Tuner (lightning/pytorch/tuner/lr_finder.py) both
smooth the loss by an exponential moving mean with weight 0.98, corrected for its start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

Rule = Callable[[Sequence[float], Sequence[float]], float | None]
BETA = 0.98
STOP_AT = 4.0  # both tools end their test when the smoothed loss exceeds the best one by this factor


def known_suggestions(rates: Sequence[float], losses: Sequence[float]) -> dict[str, float | None]:
    """The suggested rates, by tool and rule; None for a rule that suggests none."""
    smooth = moving_mean(losses)
    length = _stopped_after(smooth)
    kept, seen = list(rates[:length]), smooth[:length]
    return {
        "fastai_valley": _of(valley, *_as_fastai(kept, seen, len(losses))),
        "fastai_steep": _of(steep, *_as_fastai(kept, seen, len(losses))),
        "lightning": lightning(kept, seen),
    }


def moving_mean(losses: Sequence[float]) -> list[float]:
    """The losses, smoothed as in both tools."""
    mean, smooth = 0.0, []
    for step, loss in enumerate(losses, start=1):
        mean = BETA * mean + (1 - BETA) * loss
        smooth.append(mean / (1 - BETA**step))
    return smooth


def valley(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate in the middle of the longest decreasing sequence of losses (fastai's rule `valley`)."""
    num = len(losses)
    length, start, end = [1] * num, 0, 0
    for i in range(1, num):
        for j in range(i):
            if losses[i] < losses[j] and length[i] < length[j] + 1:
                length[i] = length[j] + 1
            if length[end] < length[i]:
                end, start = i, i - length[i]
    sections = (end - start) / 3
    return float(rates[start + int(sections) + int(sections / 2)])


def steep(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate from which the loss falls most steeply to the next point, by the logarithm of the rate."""
    if len(losses) < 2:
        return None
    slopes = np.diff(losses) / np.diff(np.log(rates))
    return float(rates[int(np.argmin(slopes))])


def lightning(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate with the steepest fall of the loss, by the rate itself. Ignores the first ten points and the last."""
    pairs = [pair for pair in zip(rates[10:-1], losses[10:-1], strict=True) if math.isfinite(pair[1])]
    if len(pairs) < 2:
        return None
    kept, seen = zip(*pairs, strict=True)
    return float(rates[int(np.argmin(np.gradient(seen, kept))) + 10])


def _stopped_after(smooth: Sequence[float]) -> int:
    """The number of points before the tools would end their test."""
    best = math.inf
    for at, loss in enumerate(smooth):
        if not math.isfinite(loss) or (at > 1 and loss > STOP_AT * best):
            return at
        best = min(best, loss)
    return len(smooth)


def _as_fastai(
    rates: Sequence[float], losses: Sequence[float], planned: int
) -> tuple[Sequence[float], Sequence[float]]:
    """The rates and losses without the first tenth of the `planned` points and the last five."""
    return rates[planned // 10 : -5], losses[planned // 10 : -5]


def _of(rule: Rule, rates: Sequence[float], losses: Sequence[float]) -> float | None:
    return rule(rates, losses) if len(losses) else None
