"""Repeats calls while the database is unreachable: a server restarts, a disk is full, a lock is held."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from storage.errors import GivenUp, StorageError, StorageUnavailable
from storage.host import HOST, Host

TIMEOUT_SECONDS = 300.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0
# What waiting does not change: refusals of PostgreSQL, which have no SQLSTATE during a connection attempt, and damage.
_LASTING = (
    "password authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "no such table",
    "no such column",
    "malformed",
)

T = TypeVar("T")


def tell_on_stderr(line: str) -> None:
    """Print a line about waiting to stderr. It is the default until a console takes over."""
    print(f"sweep: {line}", file=sys.stderr)


def is_away(error: BaseException) -> bool:
    """Whether an error may go away by itself, because it is not an error of the statement.

    Optuna wraps such errors, so the cause is examined.
    """
    if isinstance(error, StorageError) and type(error) is not StorageUnavailable:
        return False  # for example a lost lease that was noticed while the error of an unreachable database was handled
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, IntegrityError):
            return False
        if isinstance(seen, OperationalError | InterfaceError):
            return not any(words in str(seen.orig) for words in _LASTING)
        if isinstance(seen, DBAPIError) and seen.connection_invalidated:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _reason(error: BaseException) -> str:
    """The message of the database itself, without those of Optuna and SQLAlchemy."""
    cause = error if isinstance(error, DBAPIError) else error.__cause__ or error
    return str(getattr(cause, "orig", None) or cause).strip().splitlines()[0]


def with_retries(
    call: Callable[[], T],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    give_up: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = tell_on_stderr,
    host: Host = HOST,
) -> T:
    """Repeat `call` while the database is unreachable. A second call after a successful one must do no harm.

    Raises GivenUp after `timeout_seconds`, or when `give_up` returns true. Raises any other error of `call` at once.
    """
    deadline = host.monotonic() + timeout_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return call()
        except Exception as error:
            if not is_away(error):
                raise
            reason = _reason(error)
            if give_up() or host.monotonic() > deadline:
                raise GivenUp(f"The database is unreachable ({reason}). No recorded data is lost.") from error
            if pause >= _LONGEST_PAUSE_SECONDS:
                tell(f"the database is unreachable ({reason}); trying again")
            host.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
