"""Records of checkpoints. A trial continues from the recorded checkpoint, even if there is a newer file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage import schema
from storage.database import Database
from storage.stored_values import loads

_INSERT = insert(schema.checkpoints)
_DROP = delete(schema.checkpoints).where(
    schema.checkpoints.c.study_id == bindparam("study"), schema.checkpoints.c.trial == bindparam("of_trial")
)


def put_checkpoint(connection: Connection, study_id: int, trial: int, record: Mapping[str, Any]) -> None:
    """Record a trial's latest checkpoint; it replaces the previous one."""
    drop_checkpoint(connection, study_id, trial)
    values = {"study_id": study_id, "trial": trial, "record": json.dumps(record)}
    connection.execute(_INSERT, values)


def get_checkpoints(database: Database, study_id: int) -> dict[int, dict[str, Any]]:
    """The recorded checkpoint of each trial that has one."""
    c = schema.checkpoints
    with database.engine.connect() as connection:
        rows = connection.execute(select(c.c.trial, c.c.record).where(c.c.study_id == study_id))
        return {trial: loads(record) for trial, record in rows}


def drop_checkpoint(connection: Connection, study_id: int, trial: int) -> None:
    """Delete the record of an ended trial's checkpoint."""
    connection.execute(_DROP, {"study": study_id, "of_trial": trial})
