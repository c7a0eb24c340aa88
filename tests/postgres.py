"""A PostgreSQL server of the tests' own, from the binaries in the package `pgserver`."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

PASSWORD = "pa55/w@rd"
# Ends the server when its standard input does: at the fixture's end, and when the tests are killed.
_GUARD = (
    '"$@" >"$FOLDER/log" 2>&1 & server=$!; cat >/dev/null; kill -QUIT $server; wait; cd /; rm -rf "$FOLDER"'
)


class Server:
    """Makes databases, and drops them with whoever is still connected."""

    def __init__(self, url: URL) -> None:
        self.url = url

    def create(self, name: str, template: str = "template0") -> str:
        """A new database; returns its URL."""
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        self._do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def cut_connections(self, name: str) -> None:
        """End every connection to a database, as a restart would."""
        self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def _do(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(
            self.url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
        )
        with engine.connect() as connection:
            connection.execute(text(statement))


def reason_for_none() -> str | None:
    """Why no server can be had here; None where one can."""
    if importlib.util.find_spec("psycopg") is None:
        return "needs psycopg"
    if os.environ.get("SWEEP_TEST_POSTGRES_URL") or importlib.util.find_spec("pgserver"):
        return None
    return "needs SWEEP_TEST_POSTGRES_URL, or the package pgserver"


@contextmanager
def serving() -> Iterator[Server]:
    """The server that SWEEP_TEST_POSTGRES_URL names, else one that ends with the block."""
    given = os.environ.get("SWEEP_TEST_POSTGRES_URL")
    if given:
        yield Server(make_url(given).set(drivername="postgresql+psycopg"))
        return
    user = _user()
    home = Path(tempfile.mkdtemp(prefix="sweep-postgres-"))
    if user is not None:
        shutil.chown(home, user)
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o644)
    try:
        with _running(home, user) as url:
            yield Server(url)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(home: Path, user: str | None) -> Iterator[URL]:
    bin_, data, port = _binaries(), home / "data", _free_port()
    how = {"user": user, "cwd": home, "env": {"FOLDER": str(home), "PATH": os.defpath, "LC_ALL": "C"}}
    initdb = [bin_ / "initdb", "-D", data, "-U", "sweeper", "-A", "scram-sha-256"]
    initdb += ["--pwfile", home / "password", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, **how)
    quick = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
    local = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    options = [word for name, value in {**quick, **local}.items() for word in ("-c", f"{name}={value}")]
    command = ["sh", "-c", _GUARD, "guard", bin_ / "postgres", "-D", data, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, **how) as guard:
        url = URL.create("postgresql+psycopg", "sweeper", PASSWORD, "127.0.0.1", port, "postgres")
        _wait_until_it_answers(url, home / "log")
        yield url
        guard.communicate()


def _binaries() -> Path:
    spec = importlib.util.find_spec("pgserver")  # found, not imported: it would add system users
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then, whom it runs as."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(url: URL, log: Path) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    for _ in range(300):
        try:
            engine.connect().close()
        except sqlalchemy.exc.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL does not answer:\n{log.read_text()}")
