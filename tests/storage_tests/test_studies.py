"""Studies: a row of ours beside Optuna's of the same id."""

from __future__ import annotations

import optuna
import pytest
from sqlalchemy import delete, select

from storage import Database, StorageRefused, StudyNotFound, schema
from storage.leases import acquire
from storage.requests import pending_stop, request_stop
from storage.rounds import all_rounds
from storage.studies import StudyRow, delete_study, find_study, get_study, list_studies, update_run
from tests.storage_tests.conftest import SPECIFICATION, make_study
from tests.storage_tests.figures import store_round


def test_a_study_comes_back_as_it_was_made(database: Database) -> None:
    made = make_study(database, "Größe 1/2 'x'", direction="minimize")
    found = get_study(database, "Größe 1/2 'x'")
    assert found == made
    assert found.specification == {**SPECIFICATION, "direction": "minimize"}
    assert (found.direction, found.run, found.provenance) == ("minimize", {"num_trials": 8}, {"commit": None})
    assert found.created.endswith("+00:00")


def test_the_order_of_a_specification_is_kept(database: Database, study: StudyRow) -> None:
    with database.engine.begin() as connection:
        update_run(connection, study.study_id, {"z": 1, "a": {"y": 2, "b": 3}})
    run = get_study(database, "first").run
    assert (list(run), list(run["a"])) == (["z", "a"], ["y", "b"])


def test_optuna_knows_the_study_too(database: Database, study: StudyRow) -> None:
    known = optuna.load_study(study_name="first", storage=database.optuna)
    assert known._study_id == study.study_id
    assert known.direction == optuna.study.StudyDirection.MAXIMIZE
    assert known.user_attrs == {"task": "toy", "fingerprint": "f" * 8}
    assert known.metric_names == ["accuracy"]


def test_studies_are_listed_as_they_were_made(database: Database) -> None:
    for name in ("b", "c", "a"):
        make_study(database, name)
    optuna.create_study(storage=database.optuna, study_name="somebody else's")
    assert [row.name for row in list_studies(database)] == ["b", "c", "a"]


def test_how_a_study_is_run_may_change(database: Database, study: StudyRow) -> None:
    other = make_study(database, "other")
    with database.engine.begin() as connection:
        update_run(connection, study.study_id, {"num_trials": 16})
    assert get_study(database, "first").run == {"num_trials": 16}
    assert get_study(database, "other") == other


def test_an_unknown_study_is_told_with_the_one_that_was_meant(database: Database, study: StudyRow) -> None:
    assert find_study(database, "frist") is None
    with pytest.raises(StudyNotFound) as refusal:
        get_study(database, "frist")
    assert str(refusal.value) == (f"There is no study 'frist' in {database.shown}. Did you mean 'first'?")


def test_a_name_is_given_once(database: Database, study: StudyRow) -> None:
    with pytest.raises(StorageRefused, match=r"The study 'first' already exists in .* Choose another name"):
        make_study(database)
    assert list_studies(database) == [study]


def test_a_study_of_optunas_own_is_left_alone(database: Database) -> None:
    optuna.create_study(storage=database.optuna, study_name="first").ask()
    with pytest.raises(StorageRefused, match="Choose another name"):
        make_study(database)


def test_a_launch_that_was_killed_while_it_made_a_study_is_made_good(database: Database) -> None:
    study = make_study(database)
    with database.engine.begin() as connection:
        connection.execute(delete(schema.studies))
    again = make_study(database)
    assert again.study_id == study.study_id
    assert find_study(database, "first") == again


def test_a_deleted_study_leaves_nothing(database: Database, study: StudyRow) -> None:
    other = make_study(database, "other")
    for row in (study, other):
        optuna.load_study(study_name=row.name, storage=database.optuna).ask()
        store_round(database, row.study_id, trial=0, index=1)
        request_stop(database, row.study_id, now=False)
    lease = acquire(database, study.study_id)
    delete_study(lease)
    lease.release()
    assert list_studies(database) == [other]
    assert all_rounds(database, study.study_id) == []
    assert pending_stop(database, study.study_id) is None
    assert len(all_rounds(database, other.study_id)) == 1
    assert pending_stop(database, other.study_id) == "stop"
    with database.engine.connect() as connection:
        trials = connection.execute(select(schema.optuna_trials.c.study_id)).scalars().all()
        leases = connection.execute(select(schema.leases)).all()
    assert (list(trials), leases) == ([other.study_id], [])
