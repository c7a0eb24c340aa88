"""Learning-rate schedules: plain functions of the step."""

from __future__ import annotations

import math

from objectives.parameters.training import ScheduleName


def schedule_factor(name: ScheduleName, step: int, total_steps: int) -> float:
    """The factor of the learning rate at `step` (from 0) of `total_steps`.

    constant: always 1. step: 1, then 0.1 after half of the steps, and 0.01 after three quarters of them.
    exponential: ten staircase steps from 1 down towards 0.01.
    cosine: from 1 down to 0 along half a wave (Loshchilov & Hutter 2017, without restarts).
    one_cycle: from 1/25 up to 1 over the first 30 %, then down to 1e-4, along half waves (Smith 2018).

    It depends only on the step, so a schedule has no state to save.
    """
    done = step / max(1, total_steps)
    match name:
        case "constant":
            return 1.0
        case "step":
            return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01
        case "exponential":
            return float(10.0 ** (-0.2 * math.floor(10 * done)))
        case "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        case "one_cycle":
            if done < 0.3:
                return _half_wave(1 / 25, 1.0, done / 0.3)
            return _half_wave(1.0, 1e-4, (done - 0.3) / 0.7)
    raise ValueError(f"unknown schedule {name!r}")


def _half_wave(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
