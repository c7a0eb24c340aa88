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
    """The result of the latest round of a run: the round, or the error that ended it."""

    key: Key
    outcome: Round | BaseException


class Pack(Generic[Key]):
    """Trains rounds of several runs at the same time. The runs take turns in small parts; a GPU works on all of them.

    The end, failure or pause of one run does not affect the others. A run that does not work asynchronously on a GPU
    trains its whole round in its turn. Each run has a key.

    breaks_off: exceptions from outside, such as a signal. They are raised to the caller of `next`, and are not counted
    as a failure of the run that was training.
    """

    def __init__(self, breaks_off: tuple[type[BaseException], ...] = ()) -> None:
        self._rounds: dict[Key, _PackedRound] = {}
        self._breaks_off = breaks_off

    def __len__(self) -> int:
        """The number of begun rounds whose result has not been returned."""
        return len(self._rounds)

    def begin(self, key: Key, run: TrainingRun) -> None:
        """Begin the next round of `run`. If it fails, `next` returns the error."""
        self._rounds[key] = _PackedRound(run, self._breaks_off)

    def next(self) -> Told[Key]:
        """Wait for the first round that is done or fails, and return its result. That run then waits for `begin`.

        Raises LookupError if no round was begun.
        """
        found = self.next_within(math.inf)
        assert found is not None
        return found

    def next_within(self, seconds: float) -> Told[Key] | None:
        """Like `next`, but None if no round is done after `seconds` and after each run had one turn.

        Raises LookupError if no round was begun.
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
        """Forget the round of `key`: its result is never returned."""
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
        """Do the next part of the round if that is possible without waiting. Returns whether anything was done."""
        try:
            return self._go_on()
        except self._breaks_off:
            raise
        except BaseException as error:  # noqa: BLE001 - any error, even `sys.exit()`, ends only this run
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
