"""Schedules by name, each imported when it is first used: the names are needed where numpy would cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.schedule.slices import Schedule

SCHEDULES = ("full", "thaw")  # full: each trial is trained to its end before the next one begins


def make_schedule(name: str, budget: int) -> Schedule:
    """The schedule called `name`, for trials of `budget` rounds; `full` is none, as it pauses no trial."""
    from sweeps.schedule.thaw import Thaw

    assert name == "thaw"
    return Thaw(budget)
