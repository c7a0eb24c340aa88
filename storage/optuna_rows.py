"""Writes rows of Optuna's tables in our transactions.

Optuna's storage commits each write by itself, so its writes can't be in one transaction with the check of the lease or
with our rows. So these rows are written here, with Optuna's definitions of its tables. Tests compare them with the rows
that Optuna writes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Delete, Insert, Select, Table, bindparam, delete, insert, select, update

from storage.counters import next_id
from storage.outcomes import FINISHED

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


def insert_study(connection: Connection, name: str, direction: str) -> int:
    """Insert a study and return its id. Raises IntegrityError if the name is taken."""
    from optuna.study import StudyDirection

    studies, directions = _table("studies"), _table("study_directions")
    of_new = next_id(connection, studies.c.study_id)
    done = connection.execute(insert(studies).values(study_name=name, **of_new))
    study_id = int(done.inserted_primary_key[0])  # type: ignore[index]
    values = {"study_id": study_id, "objective": 0, "direction": StudyDirection[direction.upper()]}
    connection.execute(insert(directions).values(values))
    return study_id


def note_study(
    connection: Connection, study_id: int, user: Mapping[str, Any], system: Mapping[str, Any]
) -> None:
    """Set attributes of a study."""
    for table, notes in (("study_user_attributes", user), ("study_system_attributes", system)):
        _put_attributes(connection, table, "study_id", study_id, notes)


def delete_study(connection: Connection, study_id: int) -> None:
    """Remove a study with all that belongs to it."""
    trials = _table("trials")
    ids = select(trials.c.trial_id).where(trials.c.study_id == study_id).scalar_subquery()
    for table in reversed(trials.metadata.sorted_tables):  # rows that refer to others come first
        if "study_id" in table.c:
            connection.execute(delete(table).where(table.c.study_id == study_id))
        elif "trial_id" in table.c:
            connection.execute(delete(table).where(table.c.trial_id.in_(ids)))


def insert_trial(connection: Connection, study_id: int, number: int, template: FrozenTrial) -> int:
    """Insert a trial with its parameters and attributes, and return its id."""
    from optuna.distributions import distribution_to_json

    trials = _table("trials")
    values = {"number": number, "study_id": study_id, "state": template.state, "datetime_start": _now()}
    done = connection.execute(insert(trials).values(**values, **next_id(connection, trials.c.trial_id)))
    trial_id = int(done.inserted_primary_key[0])  # type: ignore[index]
    rows = [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": distribution.to_internal_repr(template.params[name]),
            "distribution_json": distribution_to_json(distribution),
        }
        for name, distribution in template.distributions.items()
    ]
    if rows:
        connection.execute(_insert("trial_params"), rows)
    for table, notes in (
        ("trial_user_attributes", template.user_attrs),
        ("trial_system_attributes", template.system_attrs),
    ):
        _put_attributes(connection, table, "trial_id", trial_id, notes)
    return trial_id


def put_parameter(
    connection: Connection, trial_id: int, name: str, value: float, distribution: BaseDistribution
) -> None:
    """Store a parameter of a running trial. value: as Optuna stores it. A repeated call changes nothing."""
    from optuna.distributions import distribution_to_json

    params = _table("trial_params")
    connection.execute(delete(params).where(params.c.trial_id == trial_id, params.c.param_name == name))
    connection.execute(
        insert(params).values(
            trial_id=trial_id,
            param_name=name,
            param_value=value,
            distribution_json=distribution_to_json(distribution),
        )
    )


def insert_intermediate(connection: Connection, trial_id: int, values: Mapping[int, float]) -> None:
    """Insert the values of new steps of a trial."""
    from optuna.storages._rdb.models import TrialIntermediateValueModel

    rows = []
    for step, value in values.items():
        stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        rows.append(
            {
                "trial_id": trial_id,
                "step": step,
                "intermediate_value": stored,
                "intermediate_value_type": kind,
            }
        )
    if rows:
        connection.execute(_insert("trial_intermediate_values"), rows)


def steps_of(connection: Connection, trial_id: int) -> set[int]:
    """The steps of a trial that have a value."""
    v = _table("trial_intermediate_values").c
    return set(connection.scalars(select(v.step).where(v.trial_id == trial_id)))


def note_trial(connection: Connection, trial_id: int, notes: Mapping[str, Any]) -> None:
    """Set attributes of a trial, and delete those that are None."""
    _put_attributes(connection, "trial_user_attributes", "trial_id", trial_id, notes)


def state_of(connection: Connection, trial_id: int) -> str:
    """A trial's state."""
    return str(connection.scalars(_state(), {"trial": trial_id}).one().name)


def set_state(connection: Connection, trial_id: int, state: str, value: float | None = None) -> None:
    """Set a trial's state to RUNNING, WAITING, or an end with its value. Raises RuntimeError if the trial has ended."""
    from optuna.storages._rdb.models import TrialValueModel
    from optuna.trial import TrialState

    if (stored := state_of(connection, trial_id)) in FINISHED:
        raise RuntimeError(
            f"trial id {trial_id} is {stored} and can't become {state}: another process writes to it"
        )
    if value is not None:
        number, kind = TrialValueModel.value_to_stored_repr(value)
        values = {"trial_id": trial_id, "objective": 0, "value": number, "value_type": kind}
        connection.execute(insert(_table("trial_values")).values(values))
    moment = {"RUNNING": {"datetime_start": _now()}, "WAITING": {}}.get(state, {"datetime_complete": _now()})
    trials = _table("trials")
    change = update(trials).where(trials.c.trial_id == trial_id)
    connection.execute(change.values(state=TrialState[state], **moment))


def reopen(connection: Connection, trial_id: int) -> None:
    """Set the state of an ended trial to RUNNING, and remove its value. A repeated call changes nothing."""
    from optuna.trial import TrialState

    trials, values = _table("trials"), _table("trial_values")
    connection.execute(delete(values).where(values.c.trial_id == trial_id))
    change = update(trials).where(trials.c.trial_id == trial_id, trials.c.state != TrialState.RUNNING)
    connection.execute(change.values(state=TrialState.RUNNING, datetime_start=_now(), datetime_complete=None))


def _put_attributes(
    connection: Connection, table: str, of: str, number: int, notes: Mapping[str, Any]
) -> None:
    if notes:
        connection.execute(_delete_attributes(table, of), {"number": number, "keys": list(notes)})
        rows = [
            {of: number, "key": key, "value_json": json.dumps(note)}
            for key, note in notes.items()
            if note is not None
        ]
        if rows:
            connection.execute(_insert(table), rows)


# Statements that each round or trial needs are built once: to build one takes as long as to execute it.
@functools.cache
def _insert(table: str) -> Insert:
    return insert(_table(table))


@functools.cache
def _delete_attributes(name: str, of: str) -> Delete:
    table = _table(name)
    return delete(table).where(
        table.c[of] == bindparam("number"), table.c.key.in_(bindparam("keys", expanding=True))
    )


@functools.cache
def _state() -> Select[Any]:
    trials = _table("trials")
    return select(trials.c.state).where(trials.c.trial_id == bindparam("trial"))


def _table(name: str) -> Table:
    from optuna.storages._rdb.models import BaseModel

    table: Table = BaseModel.metadata.tables[name]
    return table


def _now() -> datetime:
    """The current time as Optuna stores it: UTC without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
