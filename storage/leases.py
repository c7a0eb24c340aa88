"""Leases ensure one live driver for each study. The holder increases a counter while it lives.

Clocks of machines are never compared. A process that wants a taken lease watches the counter for the lease time, by
its own monotonic clock. If the counter moves, the holder lives; if not, the lease is taken over. If the holder was in
the same process table and its process has ended, this is known at once.

A holder that was suspended for longer than the lease time does not know that its lease was taken over. So each of its
writes checks, in the same transaction, that the lease still has the holder's fence: a number that each new lease
increases.
"""

from __future__ import annotations

import contextlib
import getpass
import secrets
import socket
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from storage import schema
from storage.counters import next_fence
from storage.database import Database
from storage.errors import LeaseHeld, LeaseLost, StorageUnavailable, StudyDeleted
from storage.host import ProcessIdentity

BEAT_SECONDS = 2.0
LEASE_SECONDS = 10.0
# Statements that each round needs are built once: to build one takes as long as to execute it.
_OF_STUDY = select(schema.leases).where(schema.leases.c.study_id == bindparam("study"))


class Lease:
    """A lease, held from `acquire` to `release` and renewed in the background.

    fence: a number that grows with each lease. is_lost: whether another driver has taken over, so that this one must
    stop.
    """

    def __init__(self, database: Database, study_id: int, fence: int) -> None:
        self.study_id = study_id
        self.fence = fence
        self.is_lost = False
        self._database = database
        self._one_more = update(schema.leases).where(*self._is_ours).values(beat=schema.leases.c.beat + 1)
        self._stop = database.host.keep_doing(self._keep, BEAT_SECONDS)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction for the holder only. The lease can't be taken over before the transaction ends.

        Raises LeaseLost, before anything is written, if another process has the lease now.
        """
        with self._database.engine.begin() as connection:
            if not self._beat(connection):
                self.is_lost = True
                raise self._loss(connection)
            self._database.check_in_place()
            yield connection

    def release(self) -> None:
        """Release the lease, if it is still ours. If the database is unreachable, the lease expires."""
        self._stop()
        with contextlib.suppress(SQLAlchemyError), self._database.engine.begin() as connection:
            connection.execute(delete(schema.leases).where(*self._is_ours))

    @property
    def _is_ours(self) -> tuple[Any, Any]:
        return schema.leases.c.study_id == self.study_id, schema.leases.c.fence == self.fence

    def _beat(self, connection: Connection) -> bool:
        """Increase the counter; false if another process has the lease. Locks the row until the transaction ends."""
        return connection.execute(self._one_more).rowcount == 1

    def _keep(self) -> bool:
        """Increase the counter once; return whether to continue."""
        try:
            with self._database.engine.begin() as connection:
                self.is_lost = not self._beat(connection)
        except SQLAlchemyError:
            return True  # the database is unreachable, so nobody can have taken over the lease
        return not self.is_lost

    def _loss(self, connection: Connection) -> LeaseLost:
        of_study = schema.leases.c.study_id == self.study_id
        successor = connection.scalar(select(schema.leases.c.holder).where(of_study))
        exists = schema.studies.c.study_id == self.study_id
        if connection.scalar(select(schema.studies.c.study_id).where(exists)) is None:
            return StudyDeleted(
                "This study was deleted while this process did not respond. Nothing was written since then."
            )
        by = f": {successor}" if successor else ""
        return LeaseLost(
            f"Another process has taken over this study{by}, because this one did not respond for too long. This one "
            "has written nothing since. No recorded data is lost."
        )


def new_token() -> str:
    """A random word that identifies one attempt to get a lease."""
    return secrets.token_hex(16)


def acquire(
    database: Database, study_id: int, *, token: str | None = None, lease_seconds: float = LEASE_SECONDS
) -> Lease:
    """Become the study's driver.

    token: with it, the call may be repeated after a lost connection.

    Raises LeaseHeld, with the holder's name, if a live process has the lease.
    """
    if database.is_read_only:
        raise StorageUnavailable(f"{database.shown} is on a read-only disk, so its studies can only be read.")
    token, host = token or new_token(), database.host
    deadline: float | None = None
    watched: tuple[int, int] | None = None
    while True:
        row = _read(database, study_id)
        if row is None:
            fence = _take_free(database, study_id, token)
            if fence is not None:
                return Lease(database, study_id, fence)
            continue
        if row.token == token:
            return Lease(database, study_id, row.fence)
        state = (row.fence, row.beat)
        if _is_dead(database, row) or (
            watched == state and deadline is not None and host.monotonic() > deadline
        ):
            fence = _take_over(database, study_id, token, state)
            if fence is not None:
                return Lease(database, study_id, fence)
            continue
        if watched is not None and watched != state:
            raise LeaseHeld(f"Another process is running this study: {row.holder}.")
        if watched is None:
            watched, deadline = state, host.monotonic() + lease_seconds
        host.sleep(0.1)


def holder(database: Database, study_id: int) -> str | None:
    """The process that runs the study; None if the lease is free or its holder is known to be dead."""
    if database.is_read_only:
        return None
    row = _read(database, study_id)
    return None if row is None or _is_dead(database, row) else str(row.holder)


def answers(database: Database, study_id: int, *, lease_seconds: float = LEASE_SECONDS) -> bool:
    """Whether the holder of the study's lease increases the counter within the lease time."""
    host, first = database.host, _read(database, study_id)
    deadline = host.monotonic() + lease_seconds
    while first is not None and not _is_dead(database, first):
        row = _read(database, study_id)
        if row is None or (row.fence, row.beat) != (first.fence, first.beat):
            return row is not None
        if host.monotonic() > deadline:
            break
        host.sleep(0.1)
    return False


def _values(database: Database, token: str, fence: int) -> dict[str, object]:
    process = database.host.this_process()
    since = database.host.time_of_day().strftime("%Y-%m-%d %H:%M UTC")
    return {
        "token": token,
        "fence": fence,
        "holder": f"{getpass.getuser()}@{socket.gethostname()}, process {process.pid}, since {since}",
        "host": socket.gethostname(),
        "pid": process.pid,
        "started": process.started,
        "place": process.place,
        "beat": 0,
    }


def _read(database: Database, study_id: int) -> Row[Any] | None:
    with database.engine.connect() as connection:
        return connection.execute(_OF_STUDY, {"study": study_id}).first()


def _take_free(database: Database, study_id: int, token: str) -> int | None:
    """The fence of the new lease; None if another process was faster."""
    try:
        with database.engine.begin() as connection:
            fence = next_fence(connection)
            values = _values(database, token, fence)
            connection.execute(insert(schema.leases).values(study_id=study_id, **values))
    except IntegrityError:
        return None
    return fence


def _take_over(database: Database, study_id: int, token: str, seen: tuple[int, int]) -> int | None:
    """The fence of the lease; None if its counter has moved since it was `seen`."""
    c = schema.leases.c
    with database.engine.begin() as connection:
        fence = next_fence(connection)
        taken = connection.execute(
            update(schema.leases)
            .where(c.study_id == study_id, c.fence == seen[0], c.beat == seen[1])
            .values(**_values(database, token, fence))
        ).rowcount
    return fence if taken == 1 else None


def _is_dead(database: Database, row: Row[Any]) -> bool:
    """Whether the holder is known to have ended."""
    return database.host.is_gone(ProcessIdentity(row.place, row.pid, row.started))
