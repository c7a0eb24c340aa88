"""Schedules by name. A schedule is imported at its first use, because importing numpy for the names takes too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.schedule.slices import Schedule

SCHEDULES = ("full", "thaw")  # full: each trial is trained to its end before the next one begins


def make_schedule(name: str, budget: int) -> Schedule:
    """The schedule called `name`, for trials of `budget` rounds. `full` pauses no trial, so it must not be passed."""
    from sweeps.schedule.thaw import Thaw

    assert name == "thaw"
    return Thaw(budget)
