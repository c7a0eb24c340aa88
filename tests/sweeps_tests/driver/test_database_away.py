"""A database that goes away for a while costs time and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from storage import LeaseLost, StorageUnavailable
from storage.errors import GivenUp
from storage.retry import is_away, with_retries
from sweeps.driver.study_driver import StudyDriver
from sweeps.sweep import resume
from tests.conftest import ToyLauncher
from tests.postgres import Server


def nobody_there() -> None:
    """What a call meets while the server is away."""
    sqlalchemy.create_engine("postgresql+psycopg://u:p@127.0.0.1:9/d").connect()


def test_a_call_is_repeated_until_the_database_is_back() -> None:
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) < 4:
            nobody_there()
        return "answer"

    assert with_retries(call) == "answer"
    assert len(calls) == 4


def test_patience_ends_with_a_remedy() -> None:
    with pytest.raises(GivenUp):
        with_retries(nobody_there, timeout_seconds=0.1)


def test_an_interrupt_ends_the_waiting() -> None:
    with pytest.raises(StorageUnavailable):
        with_retries(nobody_there, give_up=lambda: True)


def test_a_mistake_of_ours_is_not_waited_for(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(IntegrityError) as caught, engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (k INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO t VALUES (1), (1)"))
    assert not is_away(caught.value)


def figures(study: Any) -> Any:
    rounds = study.rounds().drop(columns=["seconds", "train_rows_per_second", "peak_memory_bytes"])
    return [(t.number, t.state, t.value, t.params) for t in study.table()], rounds.to_csv()


def test_a_refused_login_is_not_waited_for(server: Server) -> None:
    for wrong in (server.url.set(password="wrong"), server.url.set(database="nowhere")):
        with pytest.raises(OperationalError) as caught:
            sqlalchemy.create_engine(wrong).connect()
        assert not is_away(caught.value)


def test_resume_waits_for_a_server_that_is_being_restarted(
    launch_toy: ToyLauncher, mortal_server: Server
) -> None:
    url = mortal_server.create("restarted")
    launch_toy(num_trials=2, study="restarted", storage=url).study.database.close()
    mortal_server.kill()
    with pytest.raises(OperationalError):
        sqlalchemy.create_engine(url).connect()
    result = resume("restarted", {"num_trials": 3}, storage=url)
    assert len(result.study.table()) == 3
    result.study.database.close()


def test_connections_cut_in_the_middle_of_a_study_change_nothing(
    launch_toy: ToyLauncher, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, calls = StudyDriver.record, 0

    def cutting_record(self: StudyDriver, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            server.cut_connections("cut")
        return record(self, *args, **options)

    undisturbed = launch_toy(num_trials=5, study="undisturbed").study
    url = server.create("cut")
    monkeypatch.setattr(StudyDriver, "record", cutting_record)
    disturbed = launch_toy(num_trials=5, study="disturbed", storage=url).study
    seen = figures(disturbed)
    disturbed.database.close()
    server.drop("cut")
    assert calls > 20
    assert seen == figures(undisturbed)


def test_a_study_needs_few_connections_and_gives_them_back(
    launch_toy: ToyLauncher, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, counted = StudyDriver.record, []

    def counting_record(self: StudyDriver, *args: Any, **options: Any) -> Any:
        counted.append(server.count_connections("few"))
        return record(self, *args, **options)

    url = server.create("few")
    monkeypatch.setattr(StudyDriver, "record", counting_record)
    study = launch_toy(num_trials=3, storage=url).study
    assert max(counted) <= 4  # the driver's reading and writing, Optuna's, the lease's thread
    study.database.close()
    assert server.count_connections("few") == 0
    server.drop("few")


def test_a_lost_lease_is_no_unreachable_database() -> None:
    """It may be noticed while a database that was away is being handled."""
    away = OperationalError("SELECT", {}, Exception("database is locked"))
    lost = LeaseLost("another process has the study")
    lost.__context__ = away
    assert is_away(away)
    assert not is_away(lost)
