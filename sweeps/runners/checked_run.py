"""Checks what a task's training run returns: it is a valid round, or a TaskError is raised.

A task may be a user's code. Its results are checked in the worker, so the driver and the database never receive a
tensor in place of a number, or a round out of order.
"""

from __future__ import annotations

import numbers
import reprlib
import typing
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from objectives import Cost, Round
from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.training_state import pack_checkpoint, unpack_checkpoint
from objectives.errors import TaskError
from objectives.round import FIGURES, RESERVED
from objectives.training_run import TrainingRun
from sweeps.printable import printable

MOST_EXTRA = 1000
LONGEST_NAME = 100


class CheckedRun:
    """A training run of `rounds` rounds. After `restore`, some of them are done already.

    Raises TaskError if the run itself has another number of rounds.
    """

    def __init__(self, run: TrainingRun, rounds: int) -> None:
        self._run = run
        self.rounds = rounds
        self.rounds_done = 0
        if run.rounds != rounds:
            raise TaskError(
                f"the task was asked for a run of {rounds} rounds, but its run has rounds = {_shown(run.rounds)}."
            )

    @property
    def model(self) -> Any:
        """The model that the task trains."""
        return self._run.model

    def advance(self) -> Round:
        """The next round. Raises TaskError if the round is invalid, and passes on whatever the task raises."""
        return self.took(self._run.advance())

    @property
    def inner(self) -> TrainingRun:
        """The unchecked run. A caller that advances it must pass the round to `took`."""
        return self._run

    def took(self, found: Any) -> Round:
        """Check and return a round by which the inner run was advanced. Raises TaskError if the round is invalid."""
        self.rounds_done += 1
        checked = checked_round(found, self.rounds_done)
        if self._run.rounds_done != self.rounds_done:
            raise TaskError(
                f"the run's rounds_done is {_shown(self._run.rounds_done)} after round {self.rounds_done}."
            )
        return checked

    @property
    def unrecorded(self) -> str:
        """Why a GPU runs the training steps kernel by kernel instead of replaying a recorded CUDA graph; else empty."""
        return getattr(self._run, "unrecorded", None) or ""

    def pack(self, best: float) -> PackedFile:
        """The whole state, from which a run can continue. Raises if the state can't be written.

        After the first round, it also raises if the state can't be read again. best: the best score so far.
        """
        packed = pack_checkpoint({"run": self._run.state_dict(), "best": best, "round": self.rounds_done})
        if self.rounds_done == 1:
            unpack_checkpoint(packed)
        return packed

    def restore(self, packed: PackedFile) -> float:
        """Continue from a state that `pack` returned; returns the best score until then. Raises if that fails."""
        state = unpack_checkpoint(packed)
        self._run.load_state_dict(state["run"])
        done = state["round"]
        if self._run.rounds_done != done:
            raise TaskError(
                f"the run's rounds_done is {_shown(self._run.rounds_done)} after it loaded its state of round {done}."
            )
        self.rounds_done = done
        return float(state["best"])

    def close(self) -> None:
        """Close the run, so that it ends the processes or files that it has opened. Raises what the task raises."""
        self._run.close()


def checked_round(found: Any, index: int) -> Round:
    """`found`, with its numbers as plain floats. Raises TaskError if it is no valid Round, or not round `index`."""
    if not isinstance(found, Round):
        raise TaskError(f"advance() returned {_shown(found)}{_kind(found)}, but must return a Round.")
    given: Any = found.index
    if isinstance(given, bool) or not isinstance(given, numbers.Integral):
        raise TaskError(f"index is {_shown(given)}{_kind(given)}, but must be a whole number.")
    if given != index:
        raise TaskError(f"index is {_shown(given)}, but must be {index}.")
    figures: dict[str, Any] = {
        name: None
        if name in _OPTIONAL and getattr(found, name) is None
        else _number(name, getattr(found, name))
        for name in FIGURES
        if name != "index"
    }
    extra = _checked_extra(found.extra)
    return replace(found, index=index, extra=extra, cost=_checked_cost(found.cost), **figures)


_OPTIONAL = {
    name for name, kind in typing.get_type_hints(Round).items() if type(None) in typing.get_args(kind)
}


def _checked_extra(extra: Any) -> dict[str, float]:
    """The user's further numbers of a round. Raises TaskError for a name that can't be stored or is a column's."""
    if not isinstance(extra, Mapping) or len(extra) > MOST_EXTRA:
        raise TaskError(
            f"extra is {_shown(extra)}{_kind(extra)}, but must be a mapping of up to {MOST_EXTRA} numbers."
        )
    for name in extra:
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or printable(name) != name:
            raise TaskError(
                f"extra has the name {_shown(name)}{_kind(name)}, but a name must be text of 1 to {LONGEST_NAME} "
                "printable characters."
            )
        if name in RESERVED:
            raise TaskError(f"extra has the name {name!r}, which is one of a round's own figures.")
    return {"".join([name]): _number(f"extra.{name}", value) for name, value in extra.items()}


def _checked_cost(cost: Any) -> Cost | None:
    if cost is None:
        return None
    if not isinstance(cost, Cost):
        raise TaskError(f"cost is {_shown(cost)}{_kind(cost)}, but must be a Cost or None.")
    known = {each.name: _number(f"cost.{each.name}", getattr(cost, each.name)) for each in fields(Cost)}
    return Cost(**known)  # type: ignore[arg-type]


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        hint = " (`.item()` gives the number in a tensor)" if hasattr(value, "item") else ""
        raise TaskError(f"{name} is {_shown(value)}{_kind(value)}, but must be a number{hint}.")
    try:
        return float(value)
    except OverflowError:
        raise TaskError(f"{name} is {_shown(value)}, which is too large for a double.") from None


def _shown(value: Any) -> str:
    try:
        return " ".join(reprlib.repr(value).split())[:200]
    except Exception:  # noqa: BLE001 - the class may be the user's, with any __repr__
        return "a value that can't be printed"


def _kind(value: Any) -> str:
    kind = type(value).__name__
    return f", {'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
