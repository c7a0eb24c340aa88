"""Probes: short measurements in place of ordinary trainings, for guidance before a study."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from objectives.training.loop import start_run
from objectives.training.rate_range import start_rate_range
from objectives.training_run import TrainingRun

RATE_RANGE = "rate_range"  # a run whose learning rate rises from step to step
SHORT_RUNS = "short_runs"  # ordinary runs, each with another learning rate

Start = Callable[..., TrainingRun]


def start_of(probe: Mapping[str, Any] | None) -> Start:
    """The function that starts the runs of a probe, or ordinary runs if `probe` is None.

    Raises ValueError for an unknown kind of probe.
    """
    if probe is None or probe["kind"] == SHORT_RUNS:
        return start_run
    if probe["kind"] == RATE_RANGE:
        return functools.partial(start_rate_range, low=probe["low"], high=probe["high"])
    raise ValueError(f"unknown probe {probe['kind']!r}")
