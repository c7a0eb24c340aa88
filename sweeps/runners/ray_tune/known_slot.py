"""What the driver knows of a worker slot: a place for a worker process, which is started again when it dies."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sweeps.trial.running_trial import Place


@dataclass
class Lane:
    """A place for one trial in a worker process.

    number: the trial in it. asks: whether the lane waits for a trial. deadline: the time, by the monotonic clock, by
    which the trial must end, or by which, after its end, the lane must ask for another.
    """

    number: int | None = None
    deadline: float = float("inf")
    asks: bool = False


@dataclass
class KnownSlot:
    """A slot, which trains `num_lanes` trials at once.

    life: the id of its present process. node: the id of its node. deadline: the time by which its process must have
    started. most: how many trials it may train at once; fewer than its lanes if memory was short. is_killed: whether
    the driver has killed the process. heard_until: how many bytes of its output the driver has.
    """

    num_lanes: int = 1
    life: str = ""
    actor: Any = None
    node: str = ""
    place: Place | None = None
    deadline: float = float("inf")
    starts_without_hello: int = 0
    is_killed: bool = False
    heard_until: int = 0
    lanes: list[Lane] = field(init=False)
    most: int = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = [Lane() for _ in range(self.num_lanes)]
        self.most = self.num_lanes

    @property
    def numbers(self) -> list[int]:
        """The numbers of the trials that the slot trains."""
        return [lane.number for lane in self.lanes if lane.number is not None]

    @property
    def is_returning(self) -> bool:
        """Whether the code of a trial that has ended may still run."""
        now, is_there = time.monotonic(), self.actor is not None and self.place is not None
        return is_there and any(
            lane.number is None and now < lane.deadline < float("inf") for lane in self.lanes
        )

    @property
    def waiting_lane(self) -> tuple[int, Lane | None]:
        """A lane that waits for a trial and may get one, after its index; (0, None) if there is none."""
        if not self.is_killed and len(self.numbers) < self.most:
            for place, lane in enumerate(self.lanes):
                if lane.asks:
                    return place, lane
        return 0, None
