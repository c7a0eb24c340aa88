"""Reads whole trials from Optuna's tables with plain SQL, without importing Optuna."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, TableClause, and_, select

from storage import schema
from storage.database import Database
from storage.outcomes import Outcome, stored_value
from storage.stored_values import loads


@dataclass(frozen=True, slots=True)
class TrialRow(Outcome):
    """A trial as it is in the database.

    params: the searched parameters. attributes: what the driver stored, such as `stop_reason`.
    """

    params: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    started: str | None = None
    ended: str | None = None


def read_trials(
    database: Database,
    study_id: int,
    numbers: Collection[int] | None = None,
    *,
    notes: Sequence[str] | None = None,
) -> list[TrialRow]:
    """The trials of a study, in order of number.

    numbers: read only these trials. notes: read only these attributes. By default, all are read.
    """
    chosen = _chosen(study_id, numbers)
    with database.engine.connect() as connection:
        rows = connection.execute(_trials(chosen, notes or ())).all()
        params = _read_params(connection, chosen)
        attributes = (
            _read_attributes(connection, schema.optuna_attributes, chosen)
            if notes is None
            else {row[0]: _joined(notes, row[7:]) for row in rows}
        )
    return [
        TrialRow(
            trial_id,
            number,
            str(state),
            stored_value(value, kind),
            params[trial_id],
            attributes[trial_id],
            _text(started),
            _text(ended),
        )
        for trial_id, number, state, value, kind, started, ended, *_ in rows
    ]


def _trials(chosen: Sequence[ColumnElement[bool]], notes: Sequence[str]) -> Select[Any]:
    """One row for each trial, with its attributes joined: this takes half the time of separate rows."""
    t, v = schema.optuna_trials, schema.optuna_values
    noted = [(key, schema.optuna_attributes.alias()) for key in notes]
    query = select(
        *(t.c.trial_id, t.c.number, t.c.state, v.c.value, v.c.value_type),
        *(t.c.datetime_start, t.c.datetime_complete),
        *(note.c.value_json for _, note in noted),
    ).outerjoin(v, v.c.trial_id == t.c.trial_id)
    for key, note in noted:
        query = query.outerjoin(note, and_(note.c.trial_id == t.c.trial_id, note.c.key == key))
    return query.where(*chosen).order_by(
        t.c.trial_id
    )  # ids have the order of numbers, and there is an index on them


def _joined(notes: Sequence[str], texts: Sequence[str | None]) -> dict[str, Any]:
    return {key: _parsed(text) for key, text in zip(notes, texts, strict=True) if text is not None}


def _read_params(connection: Connection, chosen: Sequence[ColumnElement[bool]]) -> dict[int, dict[str, Any]]:
    t, p = schema.optuna_trials, schema.optuna_params
    query = (
        select(p.c.trial_id, p.c.param_name, p.c.param_value, p.c.distribution_json)
        .join(t, t.c.trial_id == p.c.trial_id)
        .where(*chosen)
    )
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    for trial_id, name, value, distribution in connection.execute(query).all():
        params[trial_id][name] = _external(value, distribution)
    return params


def read_sampler_attributes(
    database: Database, study_id: int, numbers: Collection[int] | None = None
) -> dict[int, dict[str, Any]]:
    """The attributes that samplers stored with each trial, by the trial's id. numbers: read only these trials."""
    with database.engine.connect() as connection:
        return _read_attributes(connection, schema.optuna_system_attributes, _chosen(study_id, numbers))


def _chosen(study_id: int, numbers: Collection[int] | None) -> list[ColumnElement[bool]]:
    t = schema.optuna_trials
    of_study: ColumnElement[bool] = t.c.study_id == study_id
    return [of_study] if numbers is None else [of_study, t.c.number.in_(numbers)]


def _read_attributes(
    connection: Connection, a: TableClause, chosen: Sequence[ColumnElement[bool]]
) -> dict[int, dict[str, Any]]:
    t = schema.optuna_trials
    query = select(a.c.trial_id, a.c.key, a.c.value_json).join(t, t.c.trial_id == a.c.trial_id).where(*chosen)
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    for trial_id, key, text in connection.execute(query).all():  # a loop over rows takes twice as long
        attributes[trial_id][key] = _parsed(text)
    return attributes


def _parsed(text: str) -> Any:
    return loads(text) if text[0] in "{[" else _scalar(text)


@functools.lru_cache(maxsize=4096)
def _scalar(text: str) -> Any:
    """A cached word or number, because most values occur in many trials. (A list or mapping could be changed.)"""
    return loads(text)


@functools.lru_cache(maxsize=1024)
def _distribution(text: str) -> tuple[tuple[Any, ...] | None, bool]:
    """The choices (or None) of a stored Optuna distribution, and whether its values are integers."""
    record = loads(text)
    choices = record["attributes"].get("choices")
    return (tuple(choices) if choices is not None else None), record["name"] == "IntDistribution"


def _external(value: float, distribution: str) -> Any:
    choices, whole = _distribution(distribution)
    if choices is not None:
        return choices[int(value)]
    return round(value) if whole else value


def _text(moment: Any) -> str | None:
    """A stored time with its time zone: Optuna stores UTC without a zone, and SQLite returns text."""
    if moment is None:
        return None
    text = str(moment)
    return f"{text[:10]}T{text[11:19]}+00:00"
