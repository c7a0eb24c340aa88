"""SQLite as a simulated process sees it: each statement is a turn, may fail, and is noted where it changes anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from storage import Database
from storage.host import Host, ProcessIdentity
from tests.simulation.scheduler import Killed, Process, Scheduler

BUSY_SECONDS = 30.0
_STATEMENTS: dict[Any, Any] = {}  # compiled once for all processes of all schedules
_SHARED = sqlalchemy.create_engine("sqlite://")
_SHARED.connect().close()
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Commit:
    """What a transaction changed. holders: who had the lease of each study just before it was committed, by place and
    process number.
    """

    process: Process
    now: float
    writes: list[tuple[str, Any]]
    holders: dict[int, tuple[str, int]]


@dataclass
class Disk:
    """What all processes share: where the database is, what happened to it, and whether the disk is full."""

    scheduler: Scheduler
    target: str  # for sqlite3.connect
    history: list[Commit] = field(default_factory=list)
    full_until: float = 0.0
    loses_answers: set[Process] = field(default_factory=set)  # whose next commit is carried out, and fails


class _Cursor(sqlite3.Cursor):
    connection: Connection

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        return self._tried(sql, args, lambda: super(_Cursor, self).execute(sql, *args))

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        return self._tried(sql, args, lambda: super(_Cursor, self).executemany(sql, *args))

    def _tried(self, sql: str, args: Any, call: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self.connection.meet_fate(sql)
        done = self.connection.waiting_for_locks(call)
        if sql.startswith(_WRITES):
            self.connection.writes.append((sql, args))
        return done


class Connection(sqlite3.Connection):
    """A process's connection. disk, process: set right after it was made."""

    disk: Disk
    process: Process

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.writes: list[tuple[str, Any]] = []

    def cursor(self, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().cursor(_Cursor)

    def meet_fate(self, sql: str) -> None:
        """Let others have their turn; then fail, where the process is cut off or the disk is full."""
        scheduler, is_write = self.disk.scheduler, sql.startswith((*_WRITES, "COMMIT"))
        slow = scheduler.chance.uniform(0.5, 4.0) if scheduler.now < self.process.slow_until else 0.0
        word = sql.split(None, 1)[0].lower()
        scheduler.wait(slow, f"{word} {_table_of(sql)}" if word in ("insert", "update", "delete") else word)
        if scheduler.now < self.process.cut_off_until:
            raise sqlite3.OperationalError("disk I/O error")
        if is_write and scheduler.now < self.disk.full_until:
            raise sqlite3.OperationalError("database or disk is full")

    def waiting_for_locks(self, call: Callable[[], Any]) -> Any:
        scheduler = self.disk.scheduler
        deadline = scheduler.now + BUSY_SECONDS
        while True:
            try:
                return call()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or scheduler.now > deadline:
                    raise
            scheduler.wait(0.05, "waiting for a lock")

    def commit(self) -> None:
        if not self.in_transaction:
            return
        self.meet_fate("COMMIT")
        noted = Commit(self.process, self.disk.scheduler.now, self.writes, self._holders())
        self.waiting_for_locks(super().commit)
        self.writes = []
        if noted.writes:
            self.disk.history.append(noted)
        if self.process in self.disk.loses_answers:
            self.disk.loses_answers.discard(self.process)
            raise sqlite3.OperationalError("disk I/O error")

    def rollback(self) -> None:
        self.writes = []
        if not self.process.is_killed:
            super().rollback()

    def close(self) -> None:
        if not self.process.is_killed:
            super().close()

    def _holders(self) -> dict[int, tuple[str, int]]:
        """Asked past everything that is being tested, within the transaction."""
        rows = sqlite3.Cursor(self).execute("SELECT study_id, place, pid FROM sweep_leases")
        return {study_id: (place, pid) for study_id, place, pid in rows.fetchall()}


def _table_of(sql: str) -> str:
    words = sql.replace("(", " ").split()
    return words[1 if words[0] == "UPDATE" else 2]


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)  # of the simulated time


class SimulatedHost(Host):
    """The clock, process table and threads of a simulated process."""

    def __init__(self, scheduler: Scheduler, process: Process, processes: list[Process]) -> None:
        self._scheduler = scheduler
        self._process = process
        self._processes = processes

    def monotonic(self) -> float:
        return self._scheduler.now + self._process.offset

    def time_of_day(self) -> datetime:
        return BEGIN + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        self._scheduler.wait(seconds)

    def keep_doing(self, action: Callable[[], bool], seconds: float) -> Callable[[], None]:
        ended = False

        def keep() -> None:
            self._scheduler.wait(seconds, None)
            while not ended and action():
                self._scheduler.wait(seconds, None)

        def stop() -> None:
            nonlocal ended
            ended = True

        self._scheduler.start(self._process, keep)
        return stop

    def this_process(self) -> ProcessIdentity:
        return ProcessIdentity(self._process.place, self._process.pid, 0.0)

    def is_gone(self, other: ProcessIdentity) -> bool:
        """Whether no process of that number is in our own process table, of those that are known to belong there."""
        return other.place == self._process.place and not self._is_there(other.pid)

    def _is_there(self, pid: int) -> bool:
        here = (each for each in self._processes if each.place == self._process.place)
        return any(each.pid == pid and not each.is_killed and not each.is_over for each in here)


class SimulatedDatabase(Database):
    """The database, as opened by a simulated process."""

    def __init__(self, disk: Disk, process: Process, host: Host) -> None:
        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                disk.target, factory=Connection, timeout=0.0, check_same_thread=False
            )
            sqlite3.Connection.execute(
                connection, "PRAGMA synchronous = OFF"
            )  # no machine loses its power here
            connection.disk, connection.process = disk, process
            self.connections.append(connection)
            return connection

        self.connections: list[Connection] = []
        pool = QueuePool(connect, dialect=_SHARED.dialect)
        engine = sqlalchemy.Engine(
            pool, _SHARED.dialect, _SHARED.url, execution_options={"compiled_cache": _STATEMENTS}
        )
        super().__init__(URL.create("sqlite", database="/simulated/studies.db"), engine, host)

    @property
    def optuna(self) -> Any:
        """Its tables are there."""
        return None

    def cut(self) -> None:
        """What the system does for a process that is gone: its transactions are undone, its locks are free."""
        for connection in self.connections:
            sqlite3.Connection.close(connection)

    def _file_now(self) -> tuple[int, int] | None:
        return None


__all__ = ["Commit", "Connection", "Disk", "Killed", "SimulatedDatabase", "SimulatedHost"]
