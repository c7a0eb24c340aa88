"""Database URLs: made absolute, shown without their password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import StorageRefused

_DIALECTS = {"sqlite", "postgresql"}


def parse_url(text: str) -> URL:
    """The URL in `text`; a bare path ending in .db is a SQLite file. SQLite paths become absolute.

    Raises StorageRefused for something that is no database URL or a database we don't know.
    """
    if "://" not in text and text.endswith((".db", ".sqlite", ".sqlite3")):
        text = f"sqlite:///{text}"
    try:
        url = make_url(text)
    except ArgumentError:
        raise StorageRefused(
            f"{text!r} is no database URL. Write sqlite:///path/to/studies.db or "
            "postgresql://user:password@host/database."
        ) from None
    dialect = url.get_backend_name()
    if dialect not in _DIALECTS:
        raise StorageRefused(f"{dialect}: studies are kept in SQLite or PostgreSQL.")
    if dialect == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.database in (None, "", ":memory:"):
        raise StorageRefused("A study in memory would be gone with the process: name a file.")
    return url.set(database=str(Path(str(url.database)).expanduser().resolve()))


def shown(url: URL) -> str:
    """The URL as it may be printed, logged or exported: without password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
