"""Configurations that users add to a study by hand.

Only the driver (the process that runs the study) makes trials of them. It records which trial each one became.
"""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from storage import schema
from storage.database import Database
from storage.stored_values import loads

_OF_STUDY = (
    select(schema.additions)
    .where(schema.additions.c.study_id == bindparam("study"))
    .order_by(schema.additions.c.id)
)


@dataclass(frozen=True)
class Addition:
    """A configuration that a user added.

    asked: when, in UTC. number: that of the trial that it became; None until the driver begins it.
    """

    id: int
    point: dict[str, Any]
    asked: str
    asked_by: str
    number: int | None


def request_addition(database: Database, study_id: int, point: Mapping[str, Any]) -> None:
    """Ask the driver to try a configuration next."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may give its user no name
        user = "somebody"
    row = {
        "study_id": study_id,
        "point": json.dumps(point),
        "asked": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked_by": f"{user}@{socket.gethostname()}",
    }
    with database.engine.begin() as connection:
        connection.execute(insert(schema.additions).values(row))


def read_additions(database: Database, study_id: int) -> list[Addition]:
    """All additions to a study, in the order in which users made them."""
    with database.engine.connect() as connection:
        rows = connection.execute(_OF_STUDY, {"study": study_id}).mappings().all()
    return [
        Addition(row["id"], loads(row["point"]), row["asked"], row["asked_by"], row["number"]) for row in rows
    ]


def record_addition(connection: Connection, addition: int, number: int) -> None:
    """Record which trial an addition became."""
    a = schema.additions
    connection.execute(update(a).where(a.c.id == addition).values(number=number))
