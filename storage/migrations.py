"""Updates the tables of an earlier version of this service."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, column, insert, inspect, select, table, text, update

from storage import schema
from storage.counters import start_counters

OLDEST = 3  # the oldest schema that can be updated


def migrate(connection: Connection, version: int) -> None:
    """Update schema `version` to the current one, in the caller's transaction."""
    if version <= 3:
        _let_figures_be_missing(connection)
    if version <= 4:
        _fence_leases(connection)
    if version <= 5:
        schema.additions.create(connection, checkfirst=True)
    today = str(schema.SCHEMA_VERSION)
    connection.execute(update(schema.meta).where(schema.meta.c.key == "schema_version").values(value=today))


def _let_figures_be_missing(connection: Connection) -> None:
    """3 to 4: a round may lack figures, and may have further ones. (SQLite can't alter a column: we copy the table.)"""
    old = table(
        "sweep_rounds", *(column(each["name"]) for each in inspect(connection).get_columns("sweep_rounds"))
    )
    connection.execute(text("DROP TABLE IF EXISTS sweep_rounds_new"))
    new = schema.rounds.to_metadata(MetaData(), name="sweep_rounds_new")
    new.create(connection)
    plain = table("sweep_rounds_new", *(column(each.name) for each in old.c))  # no types: values stay
    connection.execute(insert(plain).from_select([each.name for each in old.c], select(*old.c)))
    connection.execute(text("DROP TABLE sweep_rounds"))
    connection.execute(text("ALTER TABLE sweep_rounds_new RENAME TO sweep_rounds"))


def _fence_leases(connection: Connection) -> None:
    """4 to 5: leases have fences and name the holder's process table; ids are never used twice."""
    there = {each["name"] for each in inspect(connection).get_columns("sweep_leases")}
    for name, kind in (("fence", "BIGINT NOT NULL DEFAULT 0"), ("place", "TEXT NOT NULL DEFAULT ''")):
        if name not in there:
            connection.execute(text(f"ALTER TABLE sweep_leases ADD COLUMN {name} {kind}"))
    schema.counters.create(connection, checkfirst=True)
    start_counters(connection)
