"""Databases to test on: every test that takes `database` or `empty_url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Database, open_database
from storage.studies import StudyRow, create_study
from tests.postgres import Server

SPECIFICATION = {"task": {"name": "toy"}, "metric": {"name": "accuracy"}, "direction": "maximize"}


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where there is nothing yet: no file, or no tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path}/studies.db"
        return
    server: Server = request.getfixturevalue("server")
    name = f"sweep_test_{secrets.token_hex(4)}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture(scope="session")
def _sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    open_database(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture(scope="session")
def _postgres_template(server: Server) -> Iterator[str]:
    name = f"sweep_template_{secrets.token_hex(4)}"
    open_database(server.create(name), create=True).close()
    yield name
    server.drop(name)


@pytest.fixture
def url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database with all tables and no study: a copy of one that was made by `open_database`."""
    if dialect == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_file"), tmp_path / "studies.db")
        yield f"sqlite:///{tmp_path}/studies.db"
        return
    server: Server = request.getfixturevalue("server")
    name = f"sweep_test_{secrets.token_hex(4)}"
    yield server.create(name, template=request.getfixturevalue("_postgres_template"))
    server.drop(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def make_study(database: Database, name: str = "first", direction: str = "maximize") -> StudyRow:
    return create_study(
        database,
        name,
        fingerprint="f" * 64,
        specification={**SPECIFICATION, "direction": direction},
        run={"num_trials": 8},
        provenance={"commit": None},
    )


@pytest.fixture
def study(database: Database) -> StudyRow:
    return make_study(database)
