"""Studies: one row for each specification and its latest run settings, beside Optuna's study of the same id."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage import optuna_rows, schema
from storage.database import Database
from storage.errors import StorageRefused, StudyDeleted, StudyNotFound
from storage.leases import Lease
from storage.stored_values import loads


@dataclass(frozen=True)
class StudyRow:
    """A study: its specification, and its run settings.

    run: the run settings of the latest launch or resume, such as number of trials, workers, output folder and target.
    """

    study_id: int
    name: str
    fingerprint: str
    specification: dict[str, Any]
    run: dict[str, Any]
    provenance: dict[str, Any]
    created: str

    @property
    def direction(self) -> str:
        """`maximize` or `minimize`."""
        return str(self.specification["direction"])


def create_study(
    database: Database,
    name: str,
    *,
    fingerprint: str,
    specification: Mapping[str, Any],
    run: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> StudyRow:
    """Create a study in Optuna's tables and ours, in one transaction. Raises StorageRefused if the name is taken."""
    _ = database.optuna  # ensures that its tables exist and have a known version
    row = {
        "fingerprint": fingerprint,
        "specification": _dumped(specification),
        "run": _dumped(run),
        "provenance": _dumped(provenance),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        with database.engine.begin() as connection:
            study_id = _make_room(connection, name, str(specification["direction"]))
            if study_id is None:
                raise StorageRefused(
                    f"The study {name!r} already exists in {database.shown}. Choose another name."
                )
            optuna_rows.note_study(
                connection,
                study_id,
                {"task": specification["task"]["name"], "fingerprint": fingerprint[:8]},
                {"study:metric_names": [str(specification["metric"]["name"])]},
            )
            connection.execute(insert(schema.studies).values(study_id=study_id, **row))
    except IntegrityError:
        raise StorageRefused(
            f"Another launch has just created the study {name!r}. Launch again to continue it."
        ) from None
    return get_study(database, name)


def _make_room(connection: Connection, name: str, direction: str) -> int | None:
    """Create an Optuna study, or find one of this name that is empty and has no rows of ours. Returns its id.

    Returns None if the name is taken by another study. If we have rows with the new id, they belonged to a study that
    another program deleted, so they are removed.
    """
    s, ours = schema.optuna_studies, schema.studies
    study_id: int | None = connection.scalar(select(s.c.study_id).where(s.c.study_name == name))
    if study_id is None:
        study_id = optuna_rows.insert_study(connection, name, direction)
        _delete_ours(connection, study_id)
        return study_id
    t, d = schema.optuna_trials, schema.optuna_directions
    has_trials = connection.scalar(select(t.c.trial_id).where(t.c.study_id == study_id).limit(1)) is not None
    is_ours = connection.scalar(select(ours.c.study_id).where(ours.c.study_id == study_id)) is not None
    its_direction = str(connection.scalar(select(d.c.direction).where(d.c.study_id == study_id)))
    if has_trials or is_ours or its_direction != direction.upper():
        return None
    return study_id  # an earlier version was killed while it created the study


def find_study(database: Database, name: str) -> StudyRow | None:
    """The study of this name, or None."""
    return next(iter(_read(database, name)), None)


def get_study(database: Database, name: str) -> StudyRow:
    """The study of this name. Raises StudyNotFound, with the name of a similar study if there is one."""
    row = find_study(database, name)
    if row is not None:
        return row
    import difflib

    names = [row.name for row in list_studies(database)]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise StudyNotFound(f"There is no study {name!r} in {database.shown}.{hint}")


def list_studies(database: Database) -> list[StudyRow]:
    """All studies, in the order in which they were created."""
    return _read(database)


def _read(database: Database, name: str | None = None) -> list[StudyRow]:
    """All studies, or the one of that name."""
    query = (
        select(schema.optuna_studies.c.study_name, schema.studies)
        .join(schema.studies, schema.studies.c.study_id == schema.optuna_studies.c.study_id)
        .order_by(schema.studies.c.study_id)
    )
    if name is not None:
        query = query.where(schema.optuna_studies.c.study_name == name)
    with database.engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [
        StudyRow(
            study_id=row["study_id"],
            name=row["study_name"],
            fingerprint=row["fingerprint"],
            specification=loads(row["specification"]),
            run=loads(row["run"]),
            provenance=loads(row["provenance"]),
            created=row["created"],
        )
        for row in rows
    ]


def update_run(connection: Connection, study_id: int, run: Mapping[str, Any]) -> None:
    """Record the run settings of the study from now on."""
    _update(connection, study_id, run=_dumped(run))


def update_provenance(connection: Connection, study_id: int, provenance: Mapping[str, Any]) -> None:
    """Record the environments in which the study was run."""
    _update(connection, study_id, provenance=_dumped(provenance))


def delete_study(lease: Lease, remove_files: Callable[[], None] = lambda: None) -> None:
    """Delete the lease's study with all its rows. Raises LeaseLost if another process has the lease now.

    remove_files: called before another study of this name can be created.
    """
    with lease.writing() as connection:
        _delete_ours(connection, lease.study_id)
        optuna_rows.delete_study(connection, lease.study_id)
        remove_files()


def _update(connection: Connection, study_id: int, **values: str) -> None:
    of_study = schema.studies.c.study_id == study_id
    changed = connection.execute(update(schema.studies).where(of_study).values(**values)).rowcount
    if not changed:
        raise StudyDeleted("The study was deleted just now.")


def _delete_ours(connection: Connection, study_id: int) -> None:
    for ours in schema.metadata.tables.values():
        if "study_id" in ours.c:
            connection.execute(delete(ours).where(ours.c.study_id == study_id))


def _dumped(record: Mapping[str, Any]) -> str:
    return json.dumps(record)  # not sorted: the order of a space's parameters has a meaning
