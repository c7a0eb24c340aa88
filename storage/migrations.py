"""Brings tables that an earlier version of this service wrote to today's form."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, column, insert, inspect, select, table, text, update

from storage import schema

OLDEST = 3  # the oldest schema that can be brought up to date


def migrate(connection: Connection, version: int) -> None:
    """From schema `version` to today's, within the caller's transaction."""
    if version == 3:
        _let_figures_be_missing(connection)
    today = str(schema.SCHEMA_VERSION)
    connection.execute(update(schema.meta).where(schema.meta.c.key == "schema_version").values(value=today))


def _let_figures_be_missing(connection: Connection) -> None:
    """3 to 4: rounds of anybody's training may lack figures, and have others. (SQLite can't alter a column.)"""
    old = table(
        "sweep_rounds", *(column(each["name"]) for each in inspect(connection).get_columns("sweep_rounds"))
    )
    connection.execute(text("DROP TABLE IF EXISTS sweep_rounds_new"))
    new = schema.rounds.to_metadata(MetaData(), name="sweep_rounds_new")
    new.create(connection)
    plain = table(
        "sweep_rounds_new", *(column(each.name) for each in old.c)
    )  # values are copied as they are stored
    connection.execute(insert(plain).from_select([each.name for each in old.c], select(*old.c)))
    connection.execute(text("DROP TABLE sweep_rounds"))
    connection.execute(text("ALTER TABLE sweep_rounds_new RENAME TO sweep_rounds"))
