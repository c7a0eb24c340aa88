"""A PostgreSQL server of the tests' own, from the binaries in the package `pgserver`."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

PASSWORD = "pa55/w@rd"
_CONNECTIONS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
# Starts the server again whenever it is gone, and ends it when its own standard input ends: at the fixture's end,
# and when the tests are killed.
_GUARD = """
(while :; do "$@" >>"$FOLDER/log" 2>&1; sleep 0.2; done) & again=$!
cat >/dev/null
kill $again; kill -QUIT "$(head -n 1 "$FOLDER/data/postmaster.pid")"
wait; cd /; sleep 0.2; rm -rf "$FOLDER"
"""


class Server:
    """Makes databases, and drops them with whoever is still connected. home: of a server that may be killed."""

    def __init__(self, url: URL, home: Path | None = None) -> None:
        self.url = url
        self.home = home

    def create(self, name: str, template: str = "template0") -> str:
        """A new database; returns its URL."""
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        self._do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def cut_connections(self, name: str) -> None:
        """End every connection to a database, as a restart would."""
        self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def count_connections(self, name: str) -> int:
        """How many connections to a database there are."""
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            return int(connection.scalar(_CONNECTIONS, {"name": name}))

    def kill(self) -> None:
        """kill -9 of the whole server, which is started again soon after."""
        assert self.home is not None
        os.kill(int((self.home / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def _do(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(
            self.url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
        )
        with engine.connect() as connection:
            connection.execute(text(statement))


def reason_for_none(*, our_own: bool = False) -> str | None:
    """Why no server can be had here; None where one can."""
    if importlib.util.find_spec("psycopg") is None:
        return "needs psycopg"
    if importlib.util.find_spec("pgserver"):
        return None
    if our_own:
        return "needs the package pgserver"
    if os.environ.get("SWEEP_TEST_POSTGRES_URL"):
        return None
    return "needs SWEEP_TEST_POSTGRES_URL, or the package pgserver"


@contextmanager
def serving(*, our_own: bool = False) -> Iterator[Server]:
    """The server that SWEEP_TEST_POSTGRES_URL names, else (or as `our_own`) one that ends with the block."""
    given = os.environ.get("SWEEP_TEST_POSTGRES_URL")
    if given and not our_own:
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
            yield Server(url, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(home: Path, user: str | None) -> Iterator[URL]:
    how = {"user": user, "cwd": home, "env": {"FOLDER": str(home), "PATH": os.defpath, "LC_ALL": "C"}}
    bin_, data, port = _binaries(home, how), home / "data", _free_port()
    initdb = [bin_ / "initdb", "-D", data, "-U", "sweeper", "-A", "scram-sha-256"]
    initdb += ["--pwfile", home / "password", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, **how)
    quick = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
    local = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    options = [word for name, value in {**quick, **local}.items() for word in ("-c", f"{name}={value}")]
    command = ["sh", "-c", _GUARD, "guard", bin_ / "postgres", "-D", data, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, **how) as guard:
        url = URL.create("postgresql+psycopg", "sweeper", PASSWORD, "127.0.0.1", port, "postgres")
        _wait_until_it_answers(url, home / "log")
        yield url
        guard.communicate()


def _binaries(home: Path, how: dict[str, Any]) -> Path:
    """Where the server's programs are; copied to `home` where its user may not enter the package's folder."""
    spec = importlib.util.find_spec("pgserver")  # found, not imported: it would add system users
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    try:
        subprocess.run([package / "pginstall" / "bin" / "postgres", "--version"], capture_output=True, **how)
    except PermissionError:
        for folder in (package, package.with_name("pgserver.libs")):
            if folder.is_dir():
                shutil.copytree(folder, home / folder.name)
        package = home / package.name
    return package / "pginstall" / "bin"


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
