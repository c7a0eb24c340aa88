"""One live driver per study: a lease row whose counter beats while its holder lives.

No clock is compared between machines. Whoever wants a lease that is taken watches its counter for the
lease time by its own monotonic clock: if it moves, the holder lives; if not, the lease is taken over. A
holder on the same host whose process is gone is known to be dead at once.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import socket
import threading
import time
from datetime import UTC, datetime

import psutil
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from storage import schema
from storage.database import Database
from storage.errors import LeaseHeld

BEAT_SECONDS = 2.0
LEASE_SECONDS = 10.0


class Lease:
    """Held from `acquire` to `release`, kept alive by a thread of its own.

    is_lost: another driver has taken over; the holder must stop writing.
    """

    def __init__(self, database: Database, study_id: int, token: str) -> None:
        self._database = database
        self._study_id = study_id
        self._token = token
        self._end = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Whether another driver has taken over."""
        return self._lost.is_set()

    def release(self) -> None:
        """Give the lease back, unless it is another's by now; where the database is away, it runs out."""
        self._end.set()
        self._thread.join(timeout=LEASE_SECONDS)
        with contextlib.suppress(SQLAlchemyError), self._database.engine.begin() as connection:
            connection.execute(
                delete(schema.leases).where(
                    schema.leases.c.study_id == self._study_id, schema.leases.c.token == self._token
                )
            )

    def _keep(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            try:
                with self._database.engine.begin() as connection:
                    beaten = connection.execute(
                        update(schema.leases)
                        .where(
                            schema.leases.c.study_id == self._study_id, schema.leases.c.token == self._token
                        )
                        .values(beat=schema.leases.c.beat + 1)
                    ).rowcount
            except SQLAlchemyError:
                continue  # the database is away; it can't have been taken over through it either
            if beaten == 0:
                self._lost.set()
                return


def new_token() -> str:
    """What tells one driver's lease from another's."""
    return secrets.token_hex(16)


def acquire(
    database: Database, study_id: int, *, token: str | None = None, lease_seconds: float = LEASE_SECONDS
) -> Lease:
    """Become the study's driver.

    token: given, this may be repeated after the database went away in the middle.

    Raises LeaseHeld, naming the holder, when a live one has it.
    """
    token = token or new_token()
    deadline: float | None = None
    watched: tuple[str, int] | None = None
    while True:
        row = _read(database, study_id)
        if row is None:
            if _take_free(database, study_id, token):
                return Lease(database, study_id, token)
            continue
        if row.token == token:
            return Lease(database, study_id, token)
        state = (row.token, row.beat)
        if _is_dead(row) or (watched == state and deadline is not None and time.monotonic() > deadline):
            if _take_over(database, study_id, token, state):
                return Lease(database, study_id, token)
            continue
        if watched is not None and watched != state:
            raise LeaseHeld(
                f"Another driver is at work on this study: {row.holder}. "
                "Watch it with `sweep status --watch`, or end it with `sweep stop`."
            )
        if watched is None:
            watched, deadline = state, time.monotonic() + lease_seconds
        time.sleep(0.1)


def holder(database: Database, study_id: int) -> str | None:
    """Who drives the study, if the lease is taken and its holder is not known to be dead."""
    row = _read(database, study_id)
    return None if row is None or _is_dead(row) else str(row.holder)


def _values(token: str) -> dict[str, object]:
    process = psutil.Process()
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {
        "token": token,
        "holder": f"{getpass.getuser()}@{socket.gethostname()}, process {process.pid}, since {since}",
        "host": socket.gethostname(),
        "pid": process.pid,
        "started": _started(process),
        "beat": 0,
    }


def _read(database: Database, study_id: int):  # type: ignore[no-untyped-def]
    with database.engine.connect() as connection:
        return connection.execute(select(schema.leases).where(schema.leases.c.study_id == study_id)).first()


def _take_free(database: Database, study_id: int, token: str) -> bool:
    try:
        with database.engine.begin() as connection:
            connection.execute(insert(schema.leases).values(study_id=study_id, **_values(token)))
    except IntegrityError:
        return False
    return True


def _take_over(database: Database, study_id: int, token: str, seen: tuple[str, int]) -> bool:
    with database.engine.begin() as connection:
        taken = connection.execute(
            update(schema.leases)
            .where(
                schema.leases.c.study_id == study_id,
                schema.leases.c.token == seen[0],
                schema.leases.c.beat == seen[1],
            )
            .values(**_values(token))
        ).rowcount
    return taken == 1


def _started(process: psutil.Process) -> float:
    """When a process started, in seconds since boot: the time of day would jump with the clock."""
    return process.create_time() - psutil.boot_time()


def _is_dead(row) -> bool:  # type: ignore[no-untyped-def]
    """Whether the holder is known to be gone: on this host, and its process is not there any more."""
    if row.host != socket.gethostname() or row.pid == os.getpid():
        return False
    try:
        process = psutil.Process(row.pid)
        other = abs(_started(process) - row.started) > 1.0  # the number was given again
        return bool(other or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
