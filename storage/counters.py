"""Numbers that are never used twice, even after deletions: ids of studies, ids of trials, and the number of each lease.

The number of a lease is its fence: by it a driver that has lost its lease is recognised at its next write.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, func, insert, select, update

from storage import schema


def next_fence(connection: Connection) -> int:
    """A number larger than all earlier ones in this database."""
    c = schema.counters
    connection.execute(update(c).where(c.c.name == "fence").values(value=c.c.value + 1))
    return int(connection.scalars(select(c.c.value).where(c.c.name == "fence")).one())


def next_id(connection: Connection, column: Column[int]) -> dict[str, int]:
    """The id to insert for a new row, by the name of its column; empty on PostgreSQL.

    After the last row was deleted, SQLite would use its id again, so we count ids ourselves there. PostgreSQL's
    sequences never go back, so nothing is inserted.
    """
    if connection.dialect.name != "sqlite":
        return {}
    c = schema.counters
    of_column = c.c.name == column.name
    connection.execute(update(c).where(of_column).values(value=c.c.value + 1))  # takes the lock for writing
    counted = connection.scalars(select(c.c.value).where(of_column)).one()
    number = max(counted, 1 + (connection.scalar(select(func.max(column))) or 0))
    connection.execute(update(c).where(of_column).values(value=number))
    return {column.name: number}


def start_counters(connection: Connection) -> None:
    """Create missing counters. They start at the ids that are already in use."""
    known = set(connection.scalars(select(schema.counters.c.name)))
    rows = [{"name": name, "value": 0} for name in ("fence", "study_id", "trial_id") if name not in known]
    if rows:
        connection.execute(insert(schema.counters), rows)
