"""Requests to a study's driver to stop. Only the driver acts on them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage import schema
from storage.database import Database

_KIND = select(schema.requests.c.kind).where(schema.requests.c.study_id == bindparam("study"))


def request_stop(database: Database, study_id: int, *, now: bool) -> None:
    """Ask the driver to end after the running trials, or to pause them (`now`)."""
    with database.engine.begin() as connection:
        connection.execute(delete(schema.requests).where(schema.requests.c.study_id == study_id))
        connection.execute(
            insert(schema.requests).values(
                study_id=study_id,
                kind="stop-now" if now else "stop",
                asked=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )


def pending_stop(database: Database, study_id: int) -> str | None:
    """The pending request: `stop`, `stop-now` or None."""
    with database.engine.connect() as connection:
        kind: str | None = connection.scalar(_KIND, {"study": study_id})
    return kind


def clear_requests(connection: Connection, study_id: int) -> None:
    """Delete requests: they were carried out, or a new driver starts."""
    connection.execute(delete(schema.requests).where(schema.requests.c.study_id == study_id))
