"""Database URLs: absolute, of a kind we know, and never shown with their password."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Database, StorageRefused, StorageUnavailable, open_database
from storage.url import parse_url, shown, sqlite_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("studies.db", "{here}/studies.db"),
        ("./a/../studies.sqlite3", "{here}/studies.sqlite3"),
        ("sqlite:///studies", "{here}/studies"),
        ("sqlite:////data/studies.db", "/data/studies.db"),
        ("/data/studies.db", "/data/studies.db"),
        ("~/studies.db", "{home}/studies.db"),
        ("sqlite:///~/studies.db", "{home}/studies.db"),
        ("sqlite+pysqlite:////data/studies.db", "/data/studies.db"),
    ],
)
def test_a_sqlite_path_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    expected = path.format(here=tmp_path.resolve(), home="/home/me")
    assert sqlite_path(parse_url(text)) == Path(expected)
    assert parse_url(shown(parse_url(text))) == parse_url(text)


@pytest.mark.parametrize(
    "name", ["a b.db", "a%20b.db", "a?b=c.db", "a#b.db", "ä{ö}.db", "a:b@c.db", "100%.db"]
)
def test_a_bare_path_is_the_file_of_that_name(tmp_path: Path, name: str) -> None:
    open_database(str(tmp_path / name), create=True).close()
    assert [path.name for path in tmp_path.glob("*.db*")] == [name]
    open_database(str(tmp_path / name)).close()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://sweeper:{password}@db.example.org:5433/studies",
        "postgresql+psycopg2://sweeper:{password}@db.example.org/studies?sslmode=require",
        "postgresql://sweeper@db.example.org/studies?password={password}&sslmode=require",
    ],
)
def test_a_postgresql_url_gets_our_driver_and_keeps_its_password_to_itself(text: str) -> None:
    url = parse_url(text.format(password="hunter2"))
    assert (url.drivername, url.password, url.username) == ("postgresql+psycopg", "hunter2", "sweeper")
    assert "hunter2" not in shown(url) + repr(url) + str(url) + repr(Database(url, None))
    assert shown(url).startswith("postgresql://sweeper")
    assert "password=" not in shown(url)


@given(st.text("ab1:/?#%{}+ ~!ß", min_size=1).filter(lambda word: word.strip()))
def test_any_password_arrives_as_it_was_and_is_not_shown(password: str) -> None:
    from urllib.parse import quote

    secret = f"secret{password}"
    url = parse_url(f"postgresql://me:{quote(secret, safe='')}@host/studies")
    assert url.password == secret
    assert "secret" not in shown(url)


def test_a_password_in_another_option_is_not_shown_either() -> None:
    url = parse_url("postgresql://me@host/studies?sslpassword=hunter2&sslmode=require")
    assert shown(url) == "postgresql://me@host/studies?sslmode=require"
    assert url.query["sslpassword"] == "hunter2"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mysql://me:hunter2@host/studies", "mysql is not supported. Use SQLite (sqlite:///…) or PostgreSQL"),
        ("postgres://me:hunter2@host/studies", "postgres is not supported"),
        ("redis://:hunter2@host", "redis is not supported"),
        (
            "postgresql:/me:hunter2@host/studies",
            "'…@host/studies' is not a database URL. Write sqlite:///path",
        ),
        ("postgresql://me:hunter2@host:port/studies", "'…@host:port/studies' is not a database URL"),
        ("postgresql://me:hun@hunter2@host/studies", "more than one @. Write %40 for an @"),
        ("host/studies?password=hunter2", "'host/studies' is not a database URL"),
        (
            "studies",
            "'studies' is not a database URL. Write sqlite:///path/to/studies.db or postgresql://user",
        ),
        ("", "'' is not a database URL"),
        ("sqlite://", "A database in memory would be lost when the process ends. Name a file"),
        ("sqlite:///:memory:", "A database in memory"),
        ("sqlite:///file:studies?mode=memory&uri=true", "not by a URI: leave out uri=true"),
    ],
)
def test_what_is_no_place_for_studies_is_refused_without_its_password(text: str, why: str) -> None:
    with pytest.raises(StorageRefused) as refusal:
        parse_url(text)
    assert why in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://me:hunter2@127.0.0.1:{taken.getsockname()[1]}/studies"
        with pytest.raises(StorageUnavailable) as refusal:
            open_database(url, create=True)
    assert str(refusal.value).startswith(
        f"{url.replace('hunter2', '***')} can't be opened: connection failed"
    )
    assert "Connection refused. Check that the server is running" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
