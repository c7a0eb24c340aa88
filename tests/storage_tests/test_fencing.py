"""A driver that has lost its study writes nothing: every write is fenced by the lease, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import delete, select, update

from storage import Database, LeaseLost, schema
from storage.leases import Lease, acquire
from storage.outcomes import read_outcomes
from storage.requests import clear_requests, request_stop
from storage.rounds import all_rounds
from storage.studies import StudyRow, delete_study, find_study, list_studies, update_run
from storage.study_writer import StudyWriter
from tests.storage_tests.conftest import make_study
from tests.storage_tests.figures import COST, FIGURES, store_round

ROUND = dict.fromkeys(FIGURES, 0.5)
RECORD = {"file": "f", "digest": "d", "round": 1, "weights": None}


def template() -> FrozenTrial:
    return create_trial(
        state=TrialState.RUNNING,
        params={"rate": 0.5, "clip": "none"},
        distributions={"rate": FloatDistribution(0, 1), "clip": CategoricalDistribution((1, "none"))},
        user_attrs={"seed": "7"},
        system_attrs={"tpe:relative_params:0": '{"a": 1}'},
    )


def everything(database: Database, *but: str) -> dict[str, list[Any]]:
    """All rows of all tables, but of those named; without the numbers that Optuna gives to rows of parameters and notes."""
    known = sqlalchemy.MetaData()
    known.reflect(database.engine)
    with database.engine.connect() as connection:
        return {
            name: sorted(_identified(dict(row)) for row in connection.execute(table.select()).mappings())
            for name, table in known.tables.items()
            if name not in but
        }


def _identified(row: dict[str, Any]) -> str:
    """A row as text, by the study and trial that it belongs to."""
    return repr(
        [(key, row[key]) for key in row if key in ("study_id", "trial_id") or not key.endswith("_id")]
    )


def take_over(database: Database) -> None:
    """What another driver does once this one has been silent for too long."""
    with database.engine.begin() as connection:
        fence = schema.leases.c.fence + 1
        connection.execute(update(schema.leases).values(fence=fence, holder="me@elsewhere"))


@pytest.fixture
def lease(database: Database, study: StudyRow) -> Any:
    held = acquire(database, study.study_id)
    yield held
    held.release()


@pytest.fixture
def writer(database: Database, lease: Lease) -> StudyWriter:
    """Of a study with one running trial of one round, and a checkpoint."""
    written = StudyWriter(database, lease)
    trial_id = written.insert_trial(0, template())
    written.add_round(0, trial_id, {"index": 1, **ROUND}, dict.fromkeys(COST, 1.0), 0.5)
    written.put_checkpoint(0, RECORD)
    return written


WRITES: dict[str, Callable[[StudyWriter, int], object]] = {
    "insert_trial": lambda writer, trial_id: writer.insert_trial(1, template()),
    "add_round": lambda writer, trial_id: writer.add_round(0, trial_id, {"index": 2, **ROUND}, {}, 0.5),
    "complete_copy": lambda writer, trial_id: writer.complete_copy(trial_id, {1: 0.5, 2: 0.5}),
    "update_provenance": lambda writer, trial_id: writer.update_provenance({"environments": {}}),
    "put_checkpoint": lambda writer, trial_id: writer.put_checkpoint(0, {**RECORD, "round": 2}),
    "drop_checkpoints": lambda writer, trial_id: writer.drop_checkpoints([0]),
    "set_state": lambda writer, trial_id: writer.set_state(trial_id, "WAITING"),
    "put_parameter": lambda writer, trial_id: writer.put_parameter(
        trial_id, "y", 0.5, FloatDistribution(0, 1)
    ),
    "note": lambda writer, trial_id: writer.note(trial_id, {"seen": 3, "rounds": 4}),
    "note_ours": lambda writer, trial_id: writer.note_ours(trial_id, {"seen": "3"}),
    "rest_trial": lambda writer, trial_id: writer.rest_trial(trial_id, {"rounds": 1}),
    "reopen_trial": lambda writer, trial_id: writer.reopen_trial(trial_id),
    "end_trial": lambda writer, trial_id: writer.end_trial(0, trial_id, "COMPLETE", 0.5, {"a": 1}),
    "fenced": lambda writer, trial_id: writer.fenced(lambda: pytest.fail("done in spite of the lost lease")),
}


def test_every_write_of_a_writer_is_among_those_tried() -> None:
    others = {"check_lease", "give_up", "tell"}
    public = {name for name in vars(StudyWriter) if not name.startswith(("_", "read_"))}
    assert public - others == WRITES.keys()


@pytest.mark.parametrize("name", WRITES)
def test_no_write_of_a_driver_that_was_taken_over_is_carried_out(
    database: Database, writer: StudyWriter, lease: Lease, name: str
) -> None:
    (trial,) = read_outcomes(database, lease.study_id)
    take_over(database)
    before = everything(database)
    with pytest.raises(LeaseLost, match="Another process has taken over this study: me@elsewhere"):
        WRITES[name](writer, trial.trial_id)
    assert everything(database) == before
    assert lease.is_lost


@pytest.mark.parametrize("name", [name for name in WRITES if name not in ("fenced", "reopen_trial")])
def test_every_write_of_the_holder_is_carried_out_and_may_be_repeated(
    database: Database, writer: StudyWriter, lease: Lease, name: str
) -> None:
    (trial,) = read_outcomes(database, lease.study_id)
    before = everything(database, "sweep_leases", "sweep_counters")
    WRITES[name](writer, trial.trial_id)
    once = everything(database, "sweep_leases", "sweep_counters", "sweep_checkpoints")
    assert everything(database, "sweep_leases", "sweep_counters") != before
    WRITES[name](writer, trial.trial_id)
    assert everything(database, "sweep_leases", "sweep_counters", "sweep_checkpoints") == once


def test_an_ended_trial_is_reopened_once(database: Database, writer: StudyWriter, lease: Lease) -> None:
    (trial,) = read_outcomes(database, lease.study_id)
    writer.end_trial(0, trial.trial_id, "PRUNED", 0.5, {}, may_go_on=True)
    writer.reopen_trial(trial.trial_id)
    once = everything(database, "sweep_leases", "sweep_counters")
    assert read_outcomes(database, lease.study_id)[0].state == "RUNNING"
    writer.reopen_trial(trial.trial_id)
    assert everything(database, "sweep_leases", "sweep_counters") == once


def test_how_a_study_is_run_is_noted_by_the_holder_only(database: Database, lease: Lease) -> None:
    request_stop(database, lease.study_id, now=True)
    take_over(database)
    before = everything(database)
    with pytest.raises(LeaseLost), lease.writing() as connection:
        clear_requests(connection, lease.study_id)
        update_run(connection, lease.study_id, {})
    assert everything(database) == before


def test_who_lost_the_lease_deletes_nothing(database: Database, lease: Lease) -> None:
    take_over(database)
    with pytest.raises(LeaseLost):
        delete_study(lease)
    assert len(list_studies(database)) == 1


def test_a_lease_is_not_taken_over_between_the_check_and_the_write(
    database: Database, lease: Lease, dialect: str
) -> None:
    """The row is locked from the check to the transaction's end."""
    with lease.writing(), database.engine.connect() as other:
        impatient = "PRAGMA busy_timeout = 50" if dialect == "sqlite" else "SET lock_timeout = 50"
        other.exec_driver_sql(impatient)
        with pytest.raises(sqlalchemy.exc.OperationalError, match="lock"):
            other.execute(update(schema.leases).values(fence=99))


def test_a_study_that_was_deleted_is_not_written_to(database: Database, writer: StudyWriter) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(schema.leases))
        connection.execute(delete(schema.studies))
    with pytest.raises(LeaseLost, match="This study was deleted while this process did not respond"):
        writer.insert_trial(1, template())


def test_fences_only_grow(database: Database) -> None:
    fences = []
    for is_deleted in (False, True, False, True):
        made = find_study(database, "first") or make_study(database)
        lease = acquire(database, made.study_id)
        fences.append(lease.fence)
        if is_deleted:
            delete_study(lease)
        lease.release()
    assert fences == sorted(set(fences))


def test_ids_of_studies_and_trials_are_never_used_again(database: Database) -> None:
    studies, trials = [], []
    for _ in range(3):
        made = make_study(database)
        lease = acquire(database, made.study_id)
        studies.append(made.study_id)
        trials.append(StudyWriter(database, lease).insert_trial(0, template()))
        delete_study(lease)
        lease.release()
    assert len(set(studies)) == len(set(trials)) == 3


def test_rows_of_a_study_that_was_deleted_past_us_are_not_adopted(database: Database) -> None:
    made = make_study(database)
    store_round(database, made.study_id + 1, trial=0, index=1)
    request_stop(database, made.study_id + 1, now=True)
    optuna.delete_study(study_name="first", storage=database.optuna)
    again = make_study(database)
    assert again.study_id != made.study_id
    assert all_rounds(database, again.study_id) == []
    with database.engine.connect() as connection:
        assert connection.execute(select(schema.requests)).all() == []


def test_a_trial_is_written_as_optuna_writes_it(database: Database, writer: StudyWriter) -> None:
    """Ours is in one transaction with the check; the rows are the same, but for ids and moments."""
    theirs = optuna.create_study(storage=database.optuna, study_name="theirs", direction="maximize")
    theirs.set_user_attr("task", "toy")
    theirs.set_user_attr("fingerprint", "f" * 8)
    theirs._storage.set_study_system_attr(theirs._study_id, "study:metric_names", ["accuracy"])
    trial_id = theirs._storage.create_new_trial(theirs._study_id, template())
    ours = read_outcomes(database, writer._study_id)[0].trial_id
    theirs._storage.set_trial_intermediate_value(trial_id, 1, 0.5)
    for value in (float("nan"), float("-inf")):
        theirs._storage.set_trial_intermediate_value(trial_id, 2 + (value < 0), value)
    writer.complete_copy(ours, {1: 0.5, 2: float("nan"), 3: float("-inf")})
    theirs._storage.set_trial_user_attr(trial_id, "because", "größer")
    theirs._storage.set_trial_state_values(trial_id, TrialState.WAITING)
    theirs._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    theirs._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [float("inf")])
    writer.set_state(ours, "WAITING")
    writer.set_state(ours, "RUNNING")
    writer.end_trial(0, ours, "COMPLETE", float("inf"), {"because": "größer"})
    assert rows_of(database, "study_id", writer._study_id) == rows_of(database, "study_id", theirs._study_id)
    assert rows_of(database, "trial_id", ours) == rows_of(database, "trial_id", trial_id)
    assert repr(_frozen(database, "first")) == repr(_frozen(database, "theirs"))


def rows_of(database: Database, of: str, number: int) -> dict[str, list[Any]]:
    """Optuna's rows of a study or a trial, without ids, names of studies and moments."""
    known = sqlalchemy.MetaData()
    known.reflect(database.engine)
    found = {}
    with database.engine.connect() as connection:
        for name, table in known.tables.items():
            if of in table.c and not name.startswith("sweep_"):
                told = [
                    c
                    for c in table.c
                    if not c.name.endswith("_id") and c.name[:8] not in ("datetime", "study_na")
                ]
                rows = connection.execute(select(*told).where(table.c[of] == number)).all() if told else []
                found[name] = sorted(map(repr, rows))
    return found


def _frozen(database: Database, name: str) -> list[Any]:
    (trial,) = optuna.load_study(study_name=name, storage=database.optuna).trials
    assert trial.datetime_start <= trial.datetime_complete
    return [trial.state, trial.values, trial.params, trial.distributions, trial.intermediate_values]
