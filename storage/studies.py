"""What a study is and how it was last run: one row each, beside Optuna's study of the same id."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage import schema
from storage.database import Database
from storage.errors import StorageRefused, StudyNotFound


@dataclass(frozen=True)
class StudyRow:
    """A study: what its table is a function of, and what is not part of that.

    run: number of trials, workers, output folder, target … as of the latest launch or resume.
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
    """A new study, Optuna's and ours. Raises StorageRefused when the name is taken."""
    import optuna

    direction = optuna.study.StudyDirection[str(specification["direction"]).upper()]
    try:
        study = optuna.create_study(storage=database.optuna, study_name=name, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=database.optuna)
        # A launch that was killed in the midst of this leaves one without trials and without a row of ours.
        if find_study(database, name) or study.get_trials(deepcopy=False) or study.direction != direction:
            raise StorageRefused(
                f"There is a study {name!r} in {database.shown} already: choose another name."
            ) from None
    study_id = study._study_id
    study.set_user_attr("task", specification["task"]["name"])
    study.set_user_attr("fingerprint", fingerprint[:8])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([str(specification["metric"]["name"])])
    row = {
        "study_id": study_id,
        "fingerprint": fingerprint,
        "specification": _dumped(specification),
        "run": _dumped(run),
        "provenance": _dumped(provenance),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        with database.engine.begin() as connection:
            connection.execute(insert(schema.studies).values(row))
    except IntegrityError:
        raise StorageRefused(
            f"Another launch made the study {name!r} just now: launch again to go on with it."
        ) from None
    return get_study(database, name)


def find_study(database: Database, name: str) -> StudyRow | None:
    """The study of that name, if there is one."""
    return next(iter(_read(database, name)), None)


def get_study(database: Database, name: str) -> StudyRow:
    """The study of that name. Raises StudyNotFound, saying which name comes close."""
    row = find_study(database, name)
    if row is not None:
        return row
    import difflib

    names = [row.name for row in list_studies(database)]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise StudyNotFound(f"No study {name!r} in {database.shown}.{hint} `sweep studies` lists them.")


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
            specification=json.loads(row["specification"]),
            run=json.loads(row["run"]),
            provenance=json.loads(row["provenance"]),
            created=row["created"],
        )
        for row in rows
    ]


def update_run(database: Database, study_id: int, run: Mapping[str, Any]) -> None:
    """Record how the study is run from now on."""
    with database.engine.begin() as connection:
        connection.execute(
            update(schema.studies).where(schema.studies.c.study_id == study_id).values(run=_dumped(run))
        )


def update_provenance(database: Database, study_id: int, provenance: Mapping[str, Any]) -> None:
    """Record where the study has been run."""
    with database.engine.begin() as connection:
        connection.execute(
            update(schema.studies)
            .where(schema.studies.c.study_id == study_id)
            .values(provenance=_dumped(provenance))
        )


def delete_study(database: Database, study: StudyRow) -> None:
    """Remove a study and all that belongs to it. The caller holds its lease."""
    with database.engine.begin() as connection:
        for ours in (
            schema.rounds,
            schema.checkpoints,
            schema.confirmations,
            schema.requests,
            schema.studies,
        ):
            connection.execute(delete(ours).where(ours.c.study_id == study.study_id))
    database.optuna.delete_study(study.study_id)


def _dumped(record: Mapping[str, Any]) -> str:
    return json.dumps(record)  # the order of the space counts
