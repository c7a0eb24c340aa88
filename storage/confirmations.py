"""Records of confirmations and of each use of the test split, which is recorded before the use."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from storage import schema
from storage.database import Database
from storage.stored_values import loads


@dataclass(frozen=True)
class Confirmation:
    """The result of one confirmation of a study.

    name: the study that holds the repeated trials. trial: the winner, by its number in the confirmed study.
    record: its values. look: which use of the test split this was, from 1; None if it did not use the test split.
    """

    name: str
    trial: int
    record: dict[str, Any] = field(default_factory=dict)
    look: int | None = None
    opened: str | None = None
    opened_by: str | None = None


def put_confirmation(
    database: Database, study_id: int, name: str, trial: int, record: Mapping[str, Any]
) -> None:
    """Record a confirmation. This replaces its earlier record, but keeps `look`."""
    c = schema.confirmations
    values = {"trial": trial, "record": json.dumps(record)}
    with database.engine.begin() as connection:
        changed = connection.execute(
            update(c).where(c.c.study_id == study_id, c.c.name == name).values(**values)
        ).rowcount
        if not changed:
            connection.execute(insert(c).values(study_id=study_id, name=name, **values))


def record_look(database: Database, study_id: int, name: str) -> int:
    """Record that a confirmation is about to use the test split. Returns the number of this use, from 1."""
    c = schema.confirmations
    with database.engine.begin() as connection:
        latest = connection.scalar(select(func.max(c.c.look)).where(c.c.study_id == study_id))
        look = int(latest or 0) + 1
        connection.execute(
            update(c)
            .where(c.c.study_id == study_id, c.c.name == name)
            .values(
                look=look,
                opened=datetime.now(UTC).isoformat(timespec="seconds"),
                opened_by=f"{getpass.getuser()}@{socket.gethostname()}",
            )
        )
    return look


def get_confirmations(database: Database, study_id: int) -> list[Confirmation]:
    """The confirmations of a study, in the order of their start."""
    c = schema.confirmations
    query = select(c).where(c.c.study_id == study_id).order_by(c.c.id)
    with database.engine.connect() as connection:
        return [
            Confirmation(
                row["name"],
                row["trial"],
                loads(row["record"]),
                row["look"],
                row["opened"],
                row["opened_by"],
            )
            for row in connection.execute(query).mappings()
        ]
