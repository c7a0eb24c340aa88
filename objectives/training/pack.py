"""Several training runs in one process that train at the same time on one GPU, each as if it were alone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from objectives.round import Round
from objectives.training.loop import Run
from objectives.training_run import TrainingRun

_PAUSE_SECONDS = 2e-5  # far less than a part of a round takes
Key = TypeVar("Key")


class Told(NamedTuple, Generic[Key]):
    """What became of the latest round of a run."""

    key: Key
    outcome: Round | BaseException


class Pack(Generic[Key]):
    """Runs that each train a round when they are told to, in turns of small parts; a GPU works at all of them at once.

    One run's end, failure or pause leaves the others alone. A run that can't hand its work to a GPU trains its round
    when its turn comes. A run is known by its key.

    breaks_off: exceptions from outside, which end whatever asks for the next round and not the run that was at work.
    """

    def __init__(self, breaks_off: tuple[type[BaseException], ...] = ()) -> None:
        self._rounds: dict[Key, _PackedRound] = {}
        self._breaks_off = breaks_off

    def __len__(self) -> int:
        """Rounds that are still to be told of."""
        return len(self._rounds)

    def begin(self, key: Key, run: TrainingRun) -> None:
        """Let `run` train its next round; whatever goes wrong in that is told of by `next`."""
        self._rounds[key] = _PackedRound(run, self._breaks_off)

    def next(self) -> Told[Key]:
        """The first round that is done, or the error that ended one; that run then waits for `begin`.

        Raises LookupError where nothing was begun.
        """
        found = self.next_within(math.inf)
        assert found is not None
        return found

    def next_within(self, seconds: float) -> Told[Key] | None:
        """As `next`; None if no round is done after this time, and after each run had its turn.

        Raises LookupError where nothing was begun.
        """
        if not self._rounds:
            raise LookupError("No round was begun.")
        deadline = time.monotonic() + seconds
        while True:
            is_idle = True
            for key, each in list(self._rounds.items()):
                if each.outcome is None:
                    is_idle &= not each.go_on()
                if each.outcome is not None:
                    del self._rounds[key]
                    return Told(key, each.outcome)
            if time.monotonic() >= deadline:
                return None
            if is_idle:
                time.sleep(_PAUSE_SECONDS)

    def drop(self, key: Key) -> None:
        """Tell nothing of `key` any more."""
        self._rounds.pop(key, None)


class _PackedRound:
    """One round of a run. outcome: None until it is done."""

    def __init__(self, run: TrainingRun, breaks_off: tuple[type[BaseException], ...]) -> None:
        self._run = run
        self._breaks_off = breaks_off
        self._parts: Iterator[None] | None = run.round_in_parts() if isinstance(run, Run) else None
        self._is_begun = False
        self.outcome: Round | BaseException | None = None

    def go_on(self) -> bool:
        """Do what can be done without waiting; returns whether that was anything."""
        try:
            return self._go_on()
        except self._breaks_off:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, `sys.exit()` too, it is this run's alone
            self.outcome = error
            return True

    def _go_on(self) -> bool:
        if not isinstance(self._run, Run):
            self.outcome = self._run.advance()
            return True
        if self._parts is not None:
            if self._is_begun and self._run.is_ahead():
                return False
            self._is_begun = True
            if next(self._parts, _OVER) is _OVER:
                self._parts = None
            return True
        if not self._run.is_round_done():
            return False
        self.outcome = self._run.end_round()
        return True


_OVER = object()
