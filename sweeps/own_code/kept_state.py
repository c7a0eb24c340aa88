"""The latest state that a trial's code has saved, held where it is trained: a pause takes it along."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import pack, unpack
from sweeps.trial.work import Progress

MOST_TIME_SHARE = 0.05  # of a trial's time, for states that only a pause would need


@dataclass(frozen=True)
class _Latest:
    """What was told of a round, and what the code had saved after it. best: the best score so far."""

    told: Progress
    state: PackedFile
    best: float
    random: dict[str, Any]


class KeptState:
    """Written in the thread of the code, read in the thread that pauses it.

    States of rounds that are neither the best nor due are packed only as long as this costs little time: so a pause
    loses the round in training, and of a large state at most twenty times what it takes to pack it.
    """

    def __init__(self) -> None:
        self._latest: _Latest | None = None
        self._began: float | None = None
        self._packed_at = time.monotonic()
        self._seconds = 0.0  # that the last packing took

    @property
    def is_cheap(self) -> bool:
        """Whether another state can be packed without slowing the trial down."""
        return (time.monotonic() - self._packed_at) * MOST_TIME_SHARE >= self._seconds

    def begin_packing(self) -> None:
        """A state is being made from here on, until `pack` has it. Called again, it changes nothing."""
        if self._began is None:
            self._began = time.monotonic()

    def pack(self, state: dict[str, Any]) -> PackedFile:
        """Pack what the code saves, and note how long it took. Raises CodeError for what can't be saved."""
        self.begin_packing()
        packed = pack(state)
        self._packed_at = time.monotonic()
        assert self._began is not None
        self._seconds, self._began = self._packed_at - self._began, None
        return packed

    def note(self, told: Progress, state: PackedFile, best: float, random: dict[str, Any]) -> None:
        """The state after a round that is about to be told. random: of the global random generators."""
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
