"""Database URLs: makes them absolute, and shows them without the password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import StorageRefused

_DIALECTS = {"sqlite", "postgresql"}


def parse_url(text: str) -> URL:
    """The URL in `text`. A plain path that ends in .db is a SQLite file. SQLite paths become absolute.

    Raises StorageRefused if this is not a URL of a supported database.
    """
    if "://" not in text and text.endswith((".db", ".sqlite", ".sqlite3")):
        url = URL.create("sqlite", database=text)
    else:
        url = _parsed(text)
    dialect = url.get_backend_name()
    if dialect not in _DIALECTS:
        raise StorageRefused(
            f"{dialect} is not supported. Use SQLite (sqlite:///…) or PostgreSQL (postgresql://…)."
        )
    if dialect == "postgresql":
        return _postgresql(url)
    if url.database in (None, "", ":memory:"):
        raise StorageRefused("A database in memory would be lost when the process ends. Name a file.")
    if "uri" in url.query:
        raise StorageRefused("Name the SQLite file by its path, not by a URI: leave out uri=true.")
    path = Path(str(url.database)).expanduser().resolve()
    return url.set(drivername="sqlite", database=str(path))


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # The part before an @, and the part after a ?, may contain a password.
        tail = ("…@" if "@" in text else "") + text.partition("?")[0].rpartition("@")[2]
        raise StorageRefused(
            f"{tail!r} is not a database URL. Write sqlite:///path/to/studies.db or "
            "postgresql://user:password@host/database."
        ) from None


def _postgresql(url: URL) -> URL:
    """The URL with our driver and with the password, which is not shown anywhere."""
    if "@" in (url.host or ""):
        raise StorageRefused("The URL has more than one @. Write %40 for an @ in the user name or password.")
    password = url.query.get("password", url.password)
    return url.difference_update_query(["password"]).set(
        drivername="postgresql+psycopg", password=password if isinstance(password, str) else None
    )


def shown(url: URL) -> str:
    """The URL without its password, for printing, logs and exports."""
    secret = [key for key in url.query if "password" in key]
    bare = url.difference_update_query(secret).set(drivername=url.get_backend_name())
    return bare.render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
