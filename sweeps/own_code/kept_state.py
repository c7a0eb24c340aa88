"""Holds the latest state that a trial's code has saved, in the worker. When the trial is paused, it is stored."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import pack, unpack
from sweeps.trial.work import Progress

MOST_TIME_SHARE = 0.05  # the largest share of a trial's time for packing states that only a pause would need


@dataclass(frozen=True)
class _Latest:
    """A round and the state that the code saved after it.

    told: the event of the round. best: the best score so far. random: the states of the global random generators.
    """

    told: Progress
    state: PackedFile
    best: float
    random: dict[str, Any]


class KeptState:
    """The latest saved state of a trial. The code's thread writes it; the thread that pauses the trial reads it.

    The state of a round that is neither the best nor due is packed only if the latest packing took at most 5 % of the
    time since. So a pause loses the round in training; with a large state, it also loses rounds of at most twenty times
    the time that packing takes.
    """

    def __init__(self) -> None:
        self._latest: _Latest | None = None
        self._began: float | None = None
        self._packed_at = time.monotonic()
        self._seconds = 0.0  # how long the last packing took

    @property
    def is_cheap(self) -> bool:
        """Whether another state can be packed without slowing the trial down."""
        return (time.monotonic() - self._packed_at) * MOST_TIME_SHARE >= self._seconds

    def begin_packing(self) -> None:
        """Start to measure the time until `pack` has packed the state. A second call changes nothing."""
        if self._began is None:
            self._began = time.monotonic()

    def pack(self, state: dict[str, Any]) -> PackedFile:
        """Pack a state, and keep how long this took. Raises CodeError for a state that can't be saved."""
        self.begin_packing()
        packed = pack(state)
        self._packed_at = time.monotonic()
        assert self._began is not None
        self._seconds, self._began = self._packed_at - self._began, None
        return packed

    def note(self, told: Progress, state: PackedFile, best: float, random: dict[str, Any]) -> None:
        """Keep the state after a round that is about to be sent. random: the states of the global random generators."""
        self._latest = _Latest(told, state, best, random)

    def checkpointed(self) -> Progress | None:
        """The latest round with a state, with the checkpoint to continue from; None if nothing was saved."""
        latest = self._latest
        if latest is None:
            return None
        record = {
            "state": unpack(latest.state),
            "round": latest.told.round.index,
            "best": latest.best,
            "random": latest.random,
        }
        return dataclasses.replace(latest.told, checkpoint=pack(record))
