"""Opens the database that holds studies: SQLite in WAL mode, or PostgreSQL.

Reading (`status`, `best`, `trials`) goes through plain SQL and imports no Optuna. Writing trials goes
through Optuna's own `RDBStorage` over the same engine.
"""

from __future__ import annotations

import os
import secrets
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import event, func, insert, inspect, select
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from storage import schema
from storage.counters import start_counters
from storage.errors import (
    DatabaseGone,
    NoDatabase,
    ReadOnlyDatabase,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    UnusableFile,
)
from storage.host import HOST, Host
from storage.migrations import OLDEST, migrate
from storage.url import parse_url, shown, sqlite_path

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

BUSY_SECONDS = 30.0
OLDEST_OPTUNA = 5
_CREATION = 0x5EE9  # PostgreSQL's advisory lock for making tables


class Database:
    """An open database. `optuna` is created at its first use."""

    def __init__(self, url: URL, engine: Engine, host: Host = HOST) -> None:
        self.url = url
        self.engine = engine
        self.host = host
        self._optuna: RDBStorage | None = None
        self.note_file()

    def __repr__(self) -> str:
        return f"Database({shown(self.url)})"

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return shown(self.url)

    @property
    def optuna(self) -> RDBStorage:
        """Optuna's storage on the same database. Creates Optuna's tables if they are missing."""
        if self._optuna is None:
            self._optuna = _open_optuna(self.url, self.engine.url)
        return self._optuna

    @property
    def is_read_only(self) -> bool:
        """Whether the file is on a read-only disk and no other process has it open."""
        return "immutable" in self.engine.url.query

    def note_file(self) -> None:
        """Remember which file is open. Some file systems replace a file when it is first opened for writing."""
        self._opened_file = self._file_now()

    def check_in_place(self) -> None:
        """Raises DatabaseGone if the file was deleted or replaced since it was opened. SQLite would continue to write
        into the old file, which nobody can open any more.
        """
        if self._file_now() != self._opened_file:
            raise DatabaseGone(
                f"{sqlite_path(self.url)} was deleted or replaced while the study ran. New results would be lost, "
                "so the run has ended. Restore the file, or launch the study again."
            )

    def _file_now(self) -> tuple[int, int] | None:
        """Device and inode of the file. They differ if another file has the same name now."""
        path = sqlite_path(self.url)
        try:
            found = path.stat() if path is not None else None
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino)

    def close(self) -> None:
        """Close all connections."""
        if self._optuna is not None:
            self._optuna.remove_session()
            self._optuna.engine.dispose()
        self.engine.dispose()


def open_database(text: str, *, create: bool = False) -> Database:
    """Open the database at a URL.

    create: create the SQLite file and our tables if they are missing. Otherwise a wrong path is an error and nothing
        is created.

    Raises StorageUnavailable if there is no such file, server or login; StorageRefused if the database belongs to
    another program or version.
    """
    url = parse_url(text)
    path = sqlite_path(url)
    if path is not None:
        _check_file(path, create)
        if not path.exists():
            _make_file(url, path)
    return _open(url, create)


def _open(url: URL, create: bool) -> Database:
    database = Database(url, _connectable(url if create else _read_only_where_needed(url)))
    try:
        _check_tables(database, create)
        database.note_file()
    except (OperationalError, DBAPIError) as error:
        database.close()
        raise _explained(url, error) from error
    except BaseException:
        database.close()
        raise
    return database


def _read_only_where_needed(url: URL) -> URL:
    """The URL to connect to. In WAL mode, SQLite creates files beside a database even to read it, unless the URL says
    that nobody writes to it. That is the case if the disk is read-only and there is no log file beside the database.
    """
    path = sqlite_path(url)
    if path is None or os.access(path.parent, os.W_OK):
        return url
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:
        return url
    quoted = urllib.parse.quote(str(path))
    return url.set(database=f"file:{quoted}", query={"mode": "ro", "immutable": "1", "uri": "true"})


def _check_file(path: Path, create: bool) -> None:
    """Check the file without opening it. When a process closes any descriptor of a file, it loses all its POSIX locks
    on it, including those of SQLite's open connections.
    """
    if not path.exists():
        if not create:
            raise NoDatabase(f"There is no database at {path}.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable(f"{path.parent}: can't be created ({error.strerror}).") from None
        if not os.access(path.parent, os.W_OK):
            raise ReadOnlyDatabase(f"{path.parent} is read-only.")
    elif not os.access(path, os.W_OK) and create:
        raise ReadOnlyDatabase(f"{path} is read-only.")


def _make_file(url: URL, path: Path) -> None:
    """Create a SQLite database under another name, then move it to its place. So neither a crash nor a second launch at
    the same time leaves an incomplete database.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        _open(url.set(database=str(partial)), create=True).close()
        try:
            os.link(partial, path)
        except FileExistsError:
            pass  # another launch was faster, and its database is used
        except OSError:
            partial.replace(path)  # a file system without hard links
    finally:
        for ending in ("", "-wal", "-shm"):
            partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _connectable(url: URL) -> Engine:
    try:
        engine = sqlalchemy.create_engine(url, **_engine_options(url))
    except ImportError:
        raise StorageUnavailable("PostgreSQL needs psycopg: pip install 'psycopg[binary]'.") from None
    _prepare(engine)
    return engine


def _engine_options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True, "pool_size": 2, "connect_args": {"connect_timeout": 10}}


def _prepare(engine: Engine) -> None:
    """Set SQLite's pragmas. With WAL, readers can read while the driver writes; with NORMAL, a kill loses no data."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()


def _open_optuna(url: URL, connected: URL) -> RDBStorage:
    import optuna
    from optuna.storages import RDBStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = RDBStorage(
            connected.render_as_string(hide_password=False), engine_kwargs=_engine_options(url)
        )
    except RuntimeError as error:
        raise StorageRefused(
            f"{shown(url)} was written by another version of Optuna. It was not changed. {error}"
        ) from error
    _prepare(storage.engine)
    storage.engine.dispose()  # connections that were opened before the pragmas
    return storage


def _check_tables(database: Database, create: bool) -> None:
    if create and database.engine.dialect.name == "postgresql":
        with database.engine.begin() as connection:  # only one launch at a time creates tables
            connection.execute(select(func.pg_advisory_xact_lock(_CREATION)))
            _check_or_make_tables(database, create)
    else:
        _check_or_make_tables(database, create)


def _check_or_make_tables(database: Database, create: bool) -> None:
    engine = database.engine
    tables = set(inspect(engine).get_table_names())
    if "sweep_meta" in tables and (_version(database) is not None or not create):
        _bring_up_to_date(database)
        _check_version(database)
        return
    if tables and "version_info" not in tables:
        raise StorageRefused(
            f"{database.shown} contains tables of another program "
            f"({', '.join(sorted(tables)[:3])}, …). It was not changed. Choose another database."
        )
    _check_optuna_version(database, tables)
    if not create:
        if not tables:
            raise StorageUnavailable(f"{database.shown} is empty: no study was launched there yet.")
        raise StorageRefused(f"{database.shown} contains Optuna studies, but none of this service.")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    _ = database.optuna
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        start_counters(connection)
        connection.execute(insert(schema.meta).values(key="schema_version", value=str(schema.SCHEMA_VERSION)))


def _check_optuna_version(database: Database, tables: set[str]) -> None:
    """Refuse a database of Optuna 4: Optuna 5 opens it, but silently reads its times wrongly."""
    if "version_info" not in tables:
        return
    with database.engine.connect() as connection:
        written_by = str(connection.scalar(select(schema.optuna_version.c.library_version)))
    if int(written_by.partition(".")[0]) < OLDEST_OPTUNA:
        raise StorageRefused(
            f"{database.shown} was written by Optuna {written_by}, whose times Optuna {OLDEST_OPTUNA} reads wrongly. "
            "It was not changed. Choose another database."
        )


def _version(database: Database) -> str | None:
    """The version of our tables; None if a launch was killed while it created them."""
    query = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
    with database.engine.connect() as connection:
        version: str | None = connection.scalar(query)
    return version


def _bring_up_to_date(database: Database) -> None:
    """Update tables of an earlier version, one process at a time. Leave tables of other versions unchanged."""
    if not _is_earlier(_version(database)):
        return
    if database.is_read_only:
        raise StorageRefused(
            f"{database.shown} was written by an earlier version of this service and must be updated, but its disk "
            "is read-only. Copy it to a place where it can be written."
        )
    with database.engine.begin() as connection:
        if database.engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_CREATION)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == "schema_version"))
        if _is_earlier(version):
            migrate(connection, int(str(version)))


def _is_earlier(version: str | None) -> bool:
    return version is not None and version.isdecimal() and OLDEST <= int(version) < schema.SCHEMA_VERSION


def _check_version(database: Database) -> None:
    version = _version(database)
    if version != str(schema.SCHEMA_VERSION):
        raise StorageRefused(
            f"{database.shown} was written by another version of this service (schema {version}, this one "
            f"reads {schema.SCHEMA_VERSION}). It was not changed. Install the version that wrote it."
        )


def _explained(url: URL, error: DBAPIError) -> StorageError:
    first = str(error.orig).strip().splitlines()[0]
    if "file is not a database" in first:
        return StorageRefused(f"{sqlite_path(url)} is not a SQLite database. It was not changed.")
    if url.password:
        first = first.replace(str(url.password), "***")
    told = f"{shown(url)} can't be opened: {first.rstrip('.')}."
    if url.get_backend_name() == "sqlite":
        return UnusableFile(f"{told} Check that no other program has locked it.")
    return StorageUnavailable(
        f"{told} Check that the server is running and that user, password and database name are correct."
    )
