"""How trials ended, asked of the database: what the plain functions over rows would have said."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from storage import Database
from storage.outcomes import (
    Outcome,
    best_numbers,
    best_value,
    latest_trial,
    ranking,
    read_outcomes,
    table_of,
)
from storage.studies import StudyRow
from tests.storage_tests.conftest import make_study

STATES = ["COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"]
values = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 0.1, 3.0, float("inf"), float("-inf")])


def add_trials(database: Database, name: str, *outcomes: tuple[str, float]) -> None:
    study = optuna.load_study(study_name=name, storage=database.optuna)
    for state, value in outcomes:
        given_value = {"value": value} if state in ("COMPLETE", "PRUNED") else {}
        study.add_trial(create_trial(state=TrialState[state], **given_value))


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@given(
    outcomes=st.lists(st.tuples(st.sampled_from(["COMPLETE", *STATES]), values), max_size=7),
    target=st.none() | values,
    top=st.none() | st.integers(1, 3),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_best_are_those_of_the_table(
    database: Database,
    direction: str,
    outcomes: list[tuple[str, float]],
    target: float | None,
    top: int | None,
) -> None:
    name = f"study {len(optuna.get_all_study_names(database.optuna))}"
    study_id = make_study(database, name, direction).study_id
    add_trials(database, name, *outcomes)
    best = ranking(table_of(read_outcomes(database, study_id), target, direction), direction)
    found = best_numbers(database, study_id, direction, target=target, top=top)
    assert found == [trial.number for trial in best[:top]]
    assert best_value(database, study_id, direction, target) == (best[0].value if best else None)


def test_every_trial_has_an_outcome(database: Database, study: StudyRow) -> None:
    make_study(database, "other")
    add_trials(database, "other", ("COMPLETE", 9.0))
    add_trials(database, study.name, *((state, 0.5) for state in STATES))
    found = read_outcomes(database, study.study_id)
    ids = [trial.trial_id for trial in found]
    of_finished = [0.5, 0.5, None, None, None]
    assert found == [
        Outcome(trial_id, number, state, value)
        for trial_id, number, state, value in zip(ids, range(5), STATES, of_finished, strict=True)
    ]
    with database.engine.connect() as connection:
        assert latest_trial(connection, study.study_id) == (4, ids[-1])
    assert ids == sorted(set(ids))


def test_a_study_without_trials_has_no_outcomes(database: Database, study: StudyRow) -> None:
    assert read_outcomes(database, study.study_id) == []
    with database.engine.connect() as connection:
        assert latest_trial(connection, study.study_id) is None
    assert best_numbers(database, study.study_id, "maximize") == []
