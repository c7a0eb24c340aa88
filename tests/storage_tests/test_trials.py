"""Trials by plain SQL: exactly what Optuna's own API reads."""

from __future__ import annotations

import datetime
import math
from typing import Any

import optuna
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from storage import Database
from storage.outcomes import count_states, states_of
from storage.studies import StudyRow
from storage.trials import TrialRow, read_sampler_attributes, read_trials
from tests.storage_tests.conftest import make_study

DISTRIBUTIONS = {
    "rate": FloatDistribution(1e-6, 1.0, log=True),
    "dropout": FloatDistribution(0.0, 0.6, step=0.1),
    "shift": FloatDistribution(-5.0, 5.0),
    "width": IntDistribution(8, 1024, log=True),
    "size": IntDistribution(8, 128, step=8),
    "optimizer": CategoricalDistribution(("adam", "sgd", "größe")),
    "norm": CategoricalDistribution((True, False)),
    "clip": CategoricalDistribution((None, 0.5, 5.0, 3, "none")),
}


def row_of(trial: FrozenTrial) -> TrialRow:
    """The row that says of a trial what Optuna's API says."""
    return TrialRow(
        trial_id=trial._trial_id,
        number=trial.number,
        state=trial.state.name,
        value=None if trial.values is None else trial.values[0],
        params=trial.params,
        attributes=trial.user_attrs,
        started=_utc(trial.datetime_start),
        ended=_utc(trial.datetime_complete),
    )


def _utc(moment: datetime.datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")


def theirs(database: Database, name: str = "first") -> optuna.Study:
    return optuna.load_study(study_name=name, storage=database.optuna)


def assert_same(database: Database, study: StudyRow) -> list[TrialRow]:
    rows = read_trials(database, study.study_id)
    expected = [row_of(trial) for trial in theirs(database, study.name).trials]
    assert rows == expected
    for row, other in zip(rows, expected, strict=True):
        assert [(k, type(v)) for k, v in sorted(row.params.items())] == [
            (k, type(v)) for k, v in sorted(other.params.items())
        ]
    return rows


parameters = st.fixed_dictionaries(
    {},
    optional={
        "rate": st.floats(1e-6, 1.0),
        "dropout": st.sampled_from([0.0, 0.1, 0.2, 0.1 + 0.2, 0.6]),
        "shift": st.floats(-5.0, 5.0),
        "width": st.integers(8, 1024),
        "size": st.integers(1, 16).map(lambda k: 8 * k),
        "optimizer": st.sampled_from(["adam", "sgd", "größe"]),
        "norm": st.booleans(),
        "clip": st.sampled_from([None, 0.5, 5.0, 3, "none"]),
    },
)


@given(parameters, st.floats(allow_nan=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parameters_and_values_of_every_kind(
    database: Database, study: StudyRow, params: dict[str, Any], value: float
) -> None:
    of_params = {name: DISTRIBUTIONS[name] for name in params}
    theirs(database).add_trial(create_trial(params=params, distributions=of_params, value=value))
    last = assert_same(database, study)[-1]
    assert (last.params, last.value) == (params, value)


def test_every_state(database: Database, study: StudyRow) -> None:
    optunas = theirs(database)
    optunas.add_trial(create_trial(value=0.25))
    optunas.add_trial(create_trial(state=TrialState.PRUNED, value=0.5, intermediate_values={1: 0.5}))
    optunas.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: math.nan}))
    optunas.add_trial(create_trial(state=TrialState.FAIL))
    optunas.enqueue_trial({"shift": 1.0})
    optunas.ask(), optunas.ask()
    optunas.enqueue_trial({"shift": 2.0})
    rows = assert_same(database, study)
    assert [row.state for row in rows] == [
        "COMPLETE",
        "PRUNED",
        "PRUNED",
        "FAIL",
        "RUNNING",
        "RUNNING",
        "WAITING",
    ]
    assert [row.is_finished for row in rows] == [True] * 4 + [False] * 3
    assert count_states(database, study.study_id) == {
        "COMPLETE": 1,
        "PRUNED": 2,
        "FAIL": 1,
        "RUNNING": 2,
        "WAITING": 1,
    }
    assert states_of(database, study.study_id, {"RUNNING", "WAITING"}) == [
        (4, "RUNNING"),
        (5, "RUNNING"),
        (6, "WAITING"),
    ]


def test_attributes_are_whatever_was_noted(database: Database, study: StudyRow) -> None:
    trial = theirs(database).ask()
    noted = {"stop_reason": "überanpassung", "evidence": {"a": [1, None, 0.1], "b": {}}, "ahead": False}
    for key, value in noted.items():
        trial.set_user_attr(key, value)
    trial.storage.set_trial_system_attr(trial._trial_id, "cma:generation", 3)
    assert assert_same(database, study)[0].attributes == noted
    assert read_sampler_attributes(database, study.study_id) == {trial._trial_id: {"cma:generation": 3}}
    assert read_sampler_attributes(database, study.study_id, [0]) == {trial._trial_id: {"cma:generation": 3}}
    assert read_sampler_attributes(database, study.study_id, [1]) == {}


def test_moments_are_utc(database: Database, study: StudyRow) -> None:
    now = datetime.datetime.now(datetime.UTC)
    theirs(database).tell(theirs(database).ask(), 1.0)
    (row,) = assert_same(database, study)
    for moment in (row.started, row.ended):
        assert abs(datetime.datetime.fromisoformat(moment or "") - now) < datetime.timedelta(minutes=5)


def test_only_some_numbers_of_one_study(database: Database, study: StudyRow) -> None:
    other = make_study(database, "other")
    for name in ("first", "other"):
        for value in range(4):
            theirs(database, name).add_trial(create_trial(value=float(value)))
    assert [row.number for row in read_trials(database, study.study_id, [2, 0, 9])] == [0, 2]
    assert read_trials(database, study.study_id, []) == []
    assert len(read_trials(database, other.study_id)) == 4


def test_only_the_notes_that_are_asked_for(database: Database, study: StudyRow) -> None:
    trial = theirs(database).ask()
    for key, value in {"rounds": 3, "evidence": {"a": 1}, "because": "so"}.items():
        trial.set_user_attr(key, value)
    (row,) = read_trials(database, study.study_id, notes=["rounds", "because", "weights"])
    assert row.attributes == {"rounds": 3, "because": "so"}


def test_what_one_trial_noted_is_not_anothers(database: Database, study: StudyRow) -> None:
    for _ in range(2):
        theirs(database).ask().set_user_attr("evidence", {"a": [1]})
    first, second = read_trials(database, study.study_id)
    first.attributes["evidence"]["a"].append(2)
    assert second.attributes == {"evidence": {"a": [1]}}


def test_reading_imports_no_optuna(url: str) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom storage import open_database\nfrom storage import trials, rounds, studies, leases\n"
        f"database = open_database({url!r})\n"
        "studies.list_studies(database), trials.read_trials(database, 1), rounds.last_rounds(database, 1, [0])\n"
        "print('optuna' in sys.modules, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
