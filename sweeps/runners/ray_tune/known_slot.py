"""What the driver knows of a worker slot."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sweeps.trial.running_trial import Place


@dataclass
class Lane:
    """A place for one trial. number: the trial. asks: whether the lane waits for a trial.

    deadline: for the trial's end, or after it for the lane's next question.
    """

    number: int | None = None
    deadline: float = float("inf")
    asks: bool = False


@dataclass
class KnownSlot:
    """A slot, which trains `num_lanes` trials at once. life: its process. node: the id of its node.

    deadline: for the end of the start. most: trials at once, fewer than lanes if memory was short. is_killed: whether
    the driver ended the process.
    """

    num_lanes: int = 1
    life: str = ""
    actor: Any = None
    node: str = ""
    place: Place | None = None
    deadline: float = float("inf")
    starts_without_hello: int = 0
    is_killed: bool = False
    lanes: list[Lane] = field(init=False)
    most: int = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = [Lane() for _ in range(self.num_lanes)]
        self.most = self.num_lanes

    @property
    def numbers(self) -> list[int]:
        """The trials that it trains."""
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
        """A lane that waits for a trial and may get one, with its place; None if there is none."""
        if not self.is_killed and len(self.numbers) < self.most:
            for place, lane in enumerate(self.lanes):
                if lane.asks:
                    return place, lane
        return 0, None
