"""Numbers that are never handed out twice, whatever was deleted in between: fences, ids of studies and trials."""

from __future__ import annotations

from sqlalchemy import Column, Connection, func, insert, select, update

from storage import schema


def next_fence(connection: Connection) -> int:
    """A number above all that were handed out in this database."""
    c = schema.counters
    connection.execute(update(c).where(c.c.name == "fence").values(value=c.c.value + 1))
    return int(connection.scalars(select(c.c.value).where(c.c.name == "fence")).one())


def next_id(connection: Connection, column: Column[int]) -> dict[str, int]:
    """What to insert for the id of a new row, by the name of its column.

    SQLite gives the id of the last row again when that was deleted, so there it is counted here. PostgreSQL's
    sequences never go back: nothing is to be inserted there.
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
    """Make the counters that are missing; ids that are in use already are above them."""
    known = set(connection.scalars(select(schema.counters.c.name)))
    rows = [{"name": name, "value": 0} for name in ("fence", "study_id", "trial_id") if name not in known]
    if rows:
        connection.execute(insert(schema.counters), rows)
