"""Trials, read by plain SQL from Optuna's tables: no model objects, no Optuna import."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, cast, func, or_, select

from storage import schema
from storage.database import Database

FINISHED = frozenset({"COMPLETE", "PRUNED", "FAIL"})


@dataclass(frozen=True)
class TrialRow:
    """A trial as it stands in the database.

    value: the metric of its best round (COMPLETE), the last finite one (PRUNED), or None.
    params: the searched parameters; attributes: what the book noted, such as `stop_reason`.
    """

    trial_id: int
    number: int
    state: str
    value: float | None
    params: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    started: str | None = None
    ended: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it is COMPLETE, PRUNED or FAIL."""
        return self.state in FINISHED


def read_trials(database: Database, study_id: int, numbers: list[int] | None = None) -> list[TrialRow]:
    """The trials of a study by number; only `numbers` where given."""
    t = schema.optuna_trials
    chosen = [t.c.study_id == study_id]
    if numbers is not None:
        chosen.append(t.c.number.in_(numbers))
    of_chosen = select(t.c.trial_id).where(*chosen)
    p, v, a = schema.optuna_params, schema.optuna_values, schema.optuna_attributes
    with database.engine.connect() as connection:
        trials = connection.execute(select(t).where(*chosen).order_by(t.c.number)).mappings().all()
        params: dict[int, dict[str, Any]] = defaultdict(dict)
        for row in connection.execute(select(p).where(p.c.trial_id.in_(of_chosen))):
            params[row.trial_id][row.param_name] = _external(row.param_value, row.distribution_json)
        values = {
            row.trial_id: _value(row.value, row.value_type)
            for row in connection.execute(select(v).where(v.c.trial_id.in_(of_chosen)))
        }
        attributes: dict[int, dict[str, Any]] = defaultdict(dict)
        for row in connection.execute(select(a).where(a.c.trial_id.in_(of_chosen))):
            attributes[row.trial_id][row.key] = json.loads(row.value_json)
    return [
        TrialRow(
            trial_id=row["trial_id"],
            number=row["number"],
            state=str(row["state"]),
            value=values.get(row["trial_id"]),
            params=params[row["trial_id"]],
            attributes=attributes[row["trial_id"]],
            started=_text(row["datetime_start"]),
            ended=_text(row["datetime_complete"]),
        )
        for row in trials
    ]


def read_sampler_attributes(database: Database, study_id: int) -> dict[int, dict[str, Any]]:
    """What samplers remembered of each trial, by the trial's id."""
    t, a = schema.optuna_trials, schema.optuna_system_attributes
    query = select(a).where(a.c.trial_id.in_(select(t.c.trial_id).where(t.c.study_id == study_id)))
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    with database.engine.connect() as connection:
        for row in connection.execute(query):
            attributes[row.trial_id][row.key] = json.loads(row.value_json)
    return attributes


def count_states(database: Database, study_id: int) -> dict[str, int]:
    """How many trials there are of each state."""
    t = schema.optuna_trials
    query = select(t.c.state, func.count()).where(t.c.study_id == study_id).group_by(t.c.state)
    with database.engine.connect() as connection:
        return {str(state): count for state, count in connection.execute(query)}


def states_of(database: Database, study_id: int, states: set[str]) -> list[tuple[int, str]]:
    """Number and state of the trials in any of `states`."""
    t = schema.optuna_trials
    query = (
        select(t.c.number, t.c.state)
        .where(t.c.study_id == study_id, cast(t.c.state, String).in_(states))
        .order_by(t.c.number)
    )
    with database.engine.connect() as connection:
        return [(number, str(state)) for number, state in connection.execute(query)]


def best_value(database: Database, study_id: int, direction: str) -> float | None:
    """The best value among completed trials of the table: those below the first unfinished number."""
    t, v = schema.optuna_trials, schema.optuna_values
    state = cast(t.c.state, String)
    first_open = (
        select(func.min(t.c.number)).where(t.c.study_id == study_id, state.not_in(FINISHED)).scalar_subquery()
    )
    best = func.max(v.c.value) if direction == "maximize" else func.min(v.c.value)
    query = (
        select(best)
        .join(t, t.c.trial_id == v.c.trial_id)
        .where(
            t.c.study_id == study_id, state == "COMPLETE", or_(first_open.is_(None), t.c.number < first_open)
        )
    )
    with database.engine.connect() as connection:
        value: float | None = connection.scalar(query)
    return value


def table_of(
    trials: list[TrialRow], target: float | None = None, direction: str = "maximize"
) -> list[TrialRow]:
    """The longest run 0 … m of finished trials; with a target, up to the first that reaches it."""
    rows = []
    for row in _leading(trials):
        rows.append(row)
        if target is not None and reaches(row, target, direction):
            break
    return rows


def reaches(trial: TrialRow, target: float, direction: str) -> bool:
    """Whether a completed trial is at least as good as the target."""
    if trial.state != "COMPLETE" or trial.value is None:
        return False
    return trial.value >= target if direction == "maximize" else trial.value <= target


def best_of(table: Sequence[TrialRow], direction: str) -> TrialRow | None:
    """The completed trial with the best value; the lowest number among equals."""
    ranked = ranking(table, direction)
    return ranked[0] if ranked else None


def ranking(table: Sequence[TrialRow], direction: str) -> list[TrialRow]:
    """Completed trials from best to worst; equals by number."""
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [row for row in table if row.state == "COMPLETE" and row.value is not None]
    return sorted(complete, key=lambda row: (sign * float(row.value or 0.0), row.number))


def _leading(trials: list[TrialRow]) -> Iterator[TrialRow]:
    for expected, row in enumerate(trials):
        if row.number != expected or not row.is_finished:
            return
        yield row


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


def _value(value: float | None, kind: Any) -> float:
    if str(kind) == "FINITE" and value is not None:
        return float(value)
    return float("-inf") if str(kind) == "INF_NEG" else float("inf")


def _text(moment: Any) -> str | None:
    """Optuna stores moments in UTC without saying so; SQLite hands them out as text."""
    return None if moment is None else f"{str(moment).replace(' ', 'T')[:19]}+00:00"
