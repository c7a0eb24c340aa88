"""Whole trials, read by plain SQL from Optuna's tables: no model objects, no Optuna import."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, TableClause, select

from storage import schema
from storage.database import Database
from storage.outcomes import Outcome, stored_value


@dataclass(frozen=True, slots=True)
class TrialRow(Outcome):
    """A trial as it stands in the database.

    params: the searched parameters; attributes: what the book noted, such as `stop_reason`.
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
    notes: Collection[str] | None = None,
) -> list[TrialRow]:
    """The trials of a study by number; only `numbers`, and of their attributes only `notes`, where given."""
    t, p, v, a = schema.optuna_trials, schema.optuna_params, schema.optuna_values, schema.optuna_attributes
    chosen = _chosen(study_id, numbers)
    whole = (
        select(
            *(t.c.trial_id, t.c.number, t.c.state, v.c.value, v.c.value_type),
            *(t.c.datetime_start, t.c.datetime_complete),
        )
        .outerjoin(v, v.c.trial_id == t.c.trial_id)
        .where(*chosen)
        .order_by(t.c.number)
    )
    searched = (
        select(p.c.trial_id, p.c.param_name, p.c.param_value, p.c.distribution_json)
        .join(t, t.c.trial_id == p.c.trial_id)
        .where(*chosen)
    )
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    with database.engine.connect() as connection:
        rows = connection.execute(whole).all()
        for trial_id, name, value, distribution in connection.execute(searched).all():
            params[trial_id][name] = _external(value, distribution)
        attributes = _read_attributes(connection, a, chosen, notes)
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
        for trial_id, number, state, value, kind, started, ended in rows
    ]


def read_sampler_attributes(
    database: Database, study_id: int, numbers: Collection[int] | None = None
) -> dict[int, dict[str, Any]]:
    """What samplers remembered of each trial, by the trial's id; only of `numbers` where given."""
    with database.engine.connect() as connection:
        return _read_attributes(connection, schema.optuna_system_attributes, _chosen(study_id, numbers), None)


def _chosen(study_id: int, numbers: Collection[int] | None) -> list[ColumnElement[bool]]:
    t = schema.optuna_trials
    of_study: ColumnElement[bool] = t.c.study_id == study_id
    return [of_study] if numbers is None else [of_study, t.c.number.in_(numbers)]


def _read_attributes(
    connection: Connection,
    a: TableClause,
    chosen: list[ColumnElement[bool]],
    keys: Collection[str] | None,
) -> dict[int, dict[str, Any]]:
    t = schema.optuna_trials
    query = select(a.c.trial_id, a.c.key, a.c.value_json).join(t, t.c.trial_id == a.c.trial_id).where(*chosen)
    if keys is not None:
        query = query.where(a.c.key.in_(keys))
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    for trial_id, key, text in connection.execute(query).all():  # one by one takes twice as long
        attributes[trial_id][key] = json.loads(text) if text[0] in "{[" else _scalar(text)
    return attributes


@functools.lru_cache(maxsize=4096)
def _scalar(text: str) -> Any:
    """A word or number; most of what is noted recurs from trial to trial. (A list or mapping may be altered.)"""
    return json.loads(text)


@functools.lru_cache(maxsize=1024)
def _distribution(text: str) -> tuple[tuple[Any, ...] | None, bool]:
    """Choices (or None), and whether values are whole, of a distribution as Optuna stores it."""
    record = json.loads(text)
    choices = record["attributes"].get("choices")
    return (tuple(choices) if choices is not None else None), record["name"] == "IntDistribution"


def _external(value: float, distribution: str) -> Any:
    choices, whole = _distribution(distribution)
    if choices is not None:
        return choices[int(value)]
    return round(value) if whole else value


def _text(moment: Any) -> str | None:
    """Optuna stores moments in UTC without saying so; SQLite hands them out as text."""
    return None if moment is None else f"{str(moment).replace(' ', 'T')[:19]}+00:00"
