"""Turns an exception of any kind into the record of a failure: plain text that any database can store."""

from __future__ import annotations

import traceback

from sweeps.printable import printable
from sweeps.trial.verdict import Failure

LONGEST_MESSAGE = 2000  # characters
LONGEST_TRACEBACK = 8000  # characters


def failure_of(error: BaseException) -> Failure:
    """The record of an exception that a trial raised. Never raises, whatever the exception is."""
    return Failure(
        kind="out_of_memory" if _is_out_of_memory(error) else "error",
        error_class=printable(type(error).__name__),
        message=printable(_message(error))[:LONGEST_MESSAGE],
        traceback=_traceback(error),
    )


def _message(error: BaseException) -> str:
    try:
        return "".join([str(error)])[: 2 * LONGEST_MESSAGE]  # a plain str, even if it is a subclass
    except BaseException as another:  # noqa: BLE001 - the class may be the user's, with any __str__
        return f"(the message can't be shown: __str__ raised {type(another).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(error, limit=-50)
    except BaseException as another:  # noqa: BLE001 - it formats notes and values, which may be of any class
        return f"(no traceback: formatting it raised {type(another).__name__})"
    # Cut each line, because otherwise one very long line could fill the whole record.
    return printable("".join(line[:LONGEST_MESSAGE] for line in lines)[-LONGEST_TRACEBACK:])


def _is_out_of_memory(error: BaseException) -> bool:
    message = _message(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "alloc" in message and "memory" in message)
    )
