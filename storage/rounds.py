"""The rounds of trials, in our own table. The verdicts on trials are computed from them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from storage import schema
from storage.database import Database
from storage.stored_values import loads

_INSERT = insert(schema.rounds)
_OF_NUMBER = select(schema.rounds).where(
    schema.rounds.c.study_id == bindparam("study"),
    schema.rounds.c.trial == bindparam("of_trial"),
    schema.rounds.c.index == bindparam("number"),
)


def add_round(
    connection: Connection, study_id: int, trial: int, figures: Mapping[str, Any], cost: Mapping[str, Any]
) -> bool:
    """Store one round, and return whether it was new. Values without a column are stored as JSON.

    Raises RuntimeError if a different round is stored under its number: then another process writes to the trial.
    """
    r, index = schema.rounds, int(figures["index"])
    of_round = {"study": study_id, "of_trial": trial, "number": index}
    row = connection.execute(_OF_NUMBER, of_round).mappings().first()
    if row is None:
        named = {name: value for name, value in figures.items() if name in r.c}
        extra = {name: value for name, value in figures.items() if name not in named}
        beside = json.dumps(extra) if extra else None
        connection.execute(_INSERT, {"study_id": study_id, "trial": trial, **named, **cost, "extra": beside})
        return True
    stored = _flat(row)
    if differing := [name for name in figures if not _same(stored.get(name), figures[name])]:
        raise RuntimeError(
            f"trial {trial}: round {index} is stored with a different {differing[0]} ({stored.get(differing[0])!r}, "
            f"now {figures[differing[0]]!r}): another process writes to this study"
        )
    return False


def _same(stored: float | None, now: float | None) -> bool:
    return stored == now or (None not in (stored, now) and repr(float(stored)) == repr(float(now)))  # type: ignore[arg-type]


def get_rounds(database: Database, study_id: int, trial: int) -> list[dict[str, Any]]:
    """The rounds of one trial in order, with values and cost. Values without a column come last."""
    query = (
        select(schema.rounds)
        .where(schema.rounds.c.study_id == study_id, schema.rounds.c.trial == trial)
        .order_by(schema.rounds.c.index)
    )
    with database.engine.connect() as connection:
        return [_flat(row) for row in connection.execute(query).mappings()]


def all_rounds(database: Database, study_id: int) -> list[dict[str, Any]]:
    """The rounds of every trial of a study, by trial and index."""
    query = (
        select(schema.rounds)
        .where(schema.rounds.c.study_id == study_id)
        .order_by(schema.rounds.c.trial, schema.rounds.c.index)
    )
    with database.engine.connect() as connection:
        found = connection.execute(query)
        names = tuple(found.keys())  # SQLAlchemy's mappings take twice as long
        return [_flat(dict(zip(names, row, strict=True))) for row in found]


def _flat(row: Mapping[Any, Any]) -> dict[str, Any]:
    record = row if type(row) is dict else dict(row)
    extra = record.pop("extra")
    return record if extra is None else {**record, **loads(extra)}


def last_rounds(database: Database, study_id: int, trials: Collection[int] | None = None) -> dict[int, int]:
    """The number of the latest round of each trial that has one; if given, only of `trials`."""
    r = schema.rounds
    query = select(r.c.trial, func.max(r.c.index).label("latest")).where(r.c.study_id == study_id)
    if trials is not None:
        query = query.where(r.c.trial.in_(trials))
    with database.engine.connect() as connection:
        return {row.trial: row.latest for row in connection.execute(query.group_by(r.c.trial))}


def total_seconds(database: Database, study_id: int) -> float:
    """The seconds that workers spent in rounds."""
    query = select(func.sum(schema.rounds.c.seconds)).where(schema.rounds.c.study_id == study_id)
    with database.engine.connect() as connection:
        return float(connection.scalar(query) or 0.0)
