"""Adds to an error of a lower package what a user of the command line can do. Those packages don't know the commands.

A suggested command must name the study and, if needed, the database. So the code that knows both adds the command to
the error as a note (`error.add_note`), which a traceback shows, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from sqlalchemy.exc import DBAPIError

from objectives.errors import UnwritableDataError
from storage.errors import (
    GivenUp,
    LeaseHeld,
    LeaseLost,
    NoDatabase,
    ReadOnlyDatabase,
    StudyDeleted,
    StudyNotFound,
    UnusableFile,
)
from sweeps.errors import RunBroken, Unwritable

_REMEDIES: dict[type[Exception], str] = {
    NoDatabase: "`sweep launch` creates one; name another with --storage or SWEEP_STORAGE.",
    ReadOnlyDatabase: "Choose another place with --storage.",
    UnusableFile: "Or choose another database with --storage.",
    UnwritableDataError: "Choose another --data-dir.",
}
_PAUSES_A_RUN = (GivenUp, Unwritable, RunBroken, DBAPIError)
_TO_CONTINUE = "To continue: "
_outermost: ContextVar[str | None] = ContextVar("outermost", default=None)


def with_remedy(error: Exception) -> str:
    """The message of an error, followed by what a user can do about it on the command line."""
    remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), "")
    return " ".join([str(error), *([remedy] if remedy else []), *getattr(error, "__notes__", [])])


@contextlib.contextmanager
def commands_for(name: str, option: str) -> Iterator[None]:
    """In this context, an error about a study gets a note with the command that helps.

    name: the study's name. option: the option with which a command finds its database, after a blank; or empty.
    """
    try:
        yield
    except StudyNotFound as error:
        _note(error, f"To see all studies: sweep studies{option}")
        raise
    except LeaseHeld as error:
        _note(
            error,
            f"To watch it: sweep status {name} --watch{option} To end its run: sweep stop {name}{option}",
        )
        raise
    except StudyDeleted:
        raise
    except LeaseLost as error:
        _note(error, f"To see it: sweep status {name}{option}")
        raise


@contextlib.contextmanager
def continued_by(command: str) -> Iterator[None]:
    """In this context, an error that pauses a run gets a note with the command that continues it.

    It replaces the note of an inner context: if a confirmation contains the run, its command must be repeated.
    """
    entered = _outermost.set(_outermost.get() or command)
    try:
        yield
    except _PAUSES_A_RUN as error:
        notes = getattr(error, "__notes__", [])
        notes[:] = [each for each in notes if not each.startswith(_TO_CONTINUE)]
        error.add_note(_TO_CONTINUE + command)
        raise
    finally:
        _outermost.reset(entered)


def to_continue() -> str:
    """A sentence with the command that continues the present run after a pause; empty if it is not known."""
    command = _outermost.get()
    return "" if command is None else _TO_CONTINUE + command


def _note(error: Exception, text: str) -> None:
    if text not in getattr(error, "__notes__", []):
        error.add_note(text)
