"""Reads how trials ended (number, state, value) with plain SQL, and finds the table and its best trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, String, and_, case, cast, func, or_, select

from storage import schema
from storage.database import Database
from storage.stored_values import as_number

FINISHED = frozenset({"COMPLETE", "PRUNED", "FAIL"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state of a trial. value: the metric of its best round (COMPLETE, PRUNED), or None."""

    trial_id: int
    number: int
    state: str
    value: float | None

    @property
    def is_finished(self) -> bool:
        """Whether it is COMPLETE, PRUNED or FAIL."""
        return self.state in FINISHED

    @property
    def completed_value(self) -> float | None:
        """The value of a completed trial; None for any other trial."""
        return self.value if self.state == "COMPLETE" else None


AnyOutcome = TypeVar("AnyOutcome", bound=Outcome)


def read_outcomes(database: Database, study_id: int) -> list[Outcome]:
    """The state of every trial of a study, by number."""
    t, v = schema.optuna_trials, schema.optuna_values
    query = (
        select(t.c.trial_id, t.c.number, t.c.state, v.c.value, v.c.value_type)
        .outerjoin(v, v.c.trial_id == t.c.trial_id)
        .where(t.c.study_id == study_id)
        .order_by(t.c.trial_id)  # ids have the order of numbers, and there is an index on them
    )
    with database.engine.connect() as connection:
        return [
            Outcome(trial_id, number, str(state), stored_value(value, kind))
            for trial_id, number, state, value, kind in connection.execute(query)
        ]


def latest_trial(connection: Connection, study_id: int) -> tuple[int, int] | None:
    """Number and id of the latest trial. The cost does not depend on the length of the study."""
    t = schema.optuna_trials
    query = select(t.c.number, t.c.trial_id).where(t.c.study_id == study_id).order_by(t.c.trial_id.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row.number, row.trial_id)


def stored_value(value: float | None, kind: Any) -> float | None:
    """A value from Optuna's columns, which store infinities by their type."""
    if kind is None:
        return None
    if str(kind) == "FINITE" and value is not None:
        return as_number(value)
    return float("-inf") if str(kind) == "INF_NEG" else float("inf")


def count_states(database: Database, study_id: int) -> dict[str, int]:
    """The number of trials in each state."""
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


def best_numbers(
    database: Database, study_id: int, direction: str, *, target: float | None = None, top: int | None = None
) -> list[int]:
    """The numbers of the table's completed trials, the best first. Trials of equal value are in order of number."""
    query = _ranked(study_id, direction, target).limit(top)
    with database.engine.connect() as connection:
        return [number for number, _ in connection.execute(query)]


def best_value(
    database: Database, study_id: int, direction: str, target: float | None = None
) -> float | None:
    """The best value among completed trials of the table."""
    with database.engine.connect() as connection:
        best = connection.execute(_ranked(study_id, direction, target).limit(1)).first()
    return None if best is None else float(best[1])


def _ranked(study_id: int, direction: str, target: float | None) -> Select[Any]:
    """Number and value of the table's completed trials, best first.

    The table ends before the first unfinished trial, or with the first trial that reaches the target.
    """
    t, v = schema.optuna_trials, schema.optuna_values
    state, kind = cast(t.c.state, String), cast(v.c.value_type, String)
    value = case((kind == "INF_POS", math.inf), (kind == "INF_NEG", -math.inf), else_=v.c.value)
    maximize = direction == "maximize"
    unfinished = select(func.min(t.c.number)).where(t.c.study_id == study_id, state.not_in(FINISHED))
    first_open = unfinished.scalar_subquery()
    complete = and_(t.c.study_id == study_id, state == "COMPLETE")
    query = (
        select(t.c.number, value)
        .join_from(t, v, v.c.trial_id == t.c.trial_id)
        .where(complete, or_(first_open.is_(None), t.c.number < first_open))
        .order_by(value.desc() if maximize else value.asc(), t.c.number)
    )
    if target is None:
        return query
    reaching = select(func.min(t.c.number)).join_from(t, v, v.c.trial_id == t.c.trial_id)
    first = reaching.where(complete, value >= target if maximize else value <= target).scalar_subquery()
    return query.where(or_(first.is_(None), t.c.number <= first))


def table_of(
    trials: Sequence[AnyOutcome], target: float | None = None, direction: str = "maximize"
) -> list[AnyOutcome]:
    """The table of a study: its trials from 0 to the last before the first unfinished one.

    With `target`, it ends with the first trial that reaches the target.
    """
    rows = []
    for row in _leading(trials):
        rows.append(row)
        if target is not None and reaches(row, target, direction):
            break
    return rows


def reaches(trial: Outcome, target: float, direction: str) -> bool:
    """Whether a completed trial is at least as good as the target."""
    value = trial.completed_value
    if value is None:
        return False
    return value >= target if direction == "maximize" else value <= target


def ranking(table: Sequence[AnyOutcome], direction: str) -> list[AnyOutcome]:
    """Completed trials from best to worst. Trials of equal value are in order of number."""
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [row for row in table if row.completed_value is not None]
    return sorted(complete, key=lambda row: (sign * float(row.value or 0.0), row.number))


def _leading(trials: Sequence[AnyOutcome]) -> Iterator[AnyOutcome]:
    for expected, row in enumerate(trials):
        if row.number != expected or not row.is_finished:
            return
        yield row
