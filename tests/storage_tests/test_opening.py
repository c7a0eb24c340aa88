"""Opening: what is not there is not made by accident, what is not ours is left as it is."""

from __future__ import annotations

import math
import sqlite3
import threading
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from sqlalchemy import delete, inspect, select, update

from storage import Database, StorageRefused, StorageUnavailable, open_database, schema
from storage.additions import read_additions, request_addition
from storage.errors import UnusableFile
from storage.rounds import get_rounds
from storage.studies import list_studies
from tests.postgres import PASSWORD, Server
from tests.storage_tests.conftest import make_study
from tests.storage_tests.figures import store_round

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_create_makes_our_tables_and_optunas(empty_url: str) -> None:
    with_tables = open_database(empty_url, create=True)
    tables = set(inspect(with_tables.engine).get_table_names())
    assert set(schema.metadata.tables) | {"studies", "trials", "version_info"} <= tables
    with_tables.close()
    again = open_database(empty_url)
    assert list_studies(again) == []
    again.close()


def test_to_create_again_keeps_what_is_there(url: str) -> None:
    for name in ("first", "second"):
        database = open_database(url, create=True)
        make_study(database, name)
        database.close()
    database = open_database(url)
    assert [row.name for row in list_studies(database)] == ["first", "second"]
    database.close()


def test_what_is_empty_is_told(empty_url: str, dialect: str, tmp_path: Path) -> None:
    if dialect == "sqlite":
        (tmp_path / "studies.db").touch()
    with pytest.raises(StorageUnavailable, match="is empty: no study was launched there yet"):
        open_database(empty_url)


def test_several_launches_at_once_make_one_database(empty_url: str) -> None:
    together, opened, failed = threading.Barrier(3), [], []

    def launch() -> None:
        together.wait()
        try:
            opened.append(open_database(empty_url, create=True))
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=launch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), failed) == (3, [])
    make_study(opened[0])
    assert [row.name for row in list_studies(opened[1])] == ["first"]
    for database in opened:
        database.close()


def test_a_launch_that_was_killed_while_it_made_tables_is_made_good(url: str) -> None:
    database = open_database(url)
    schema.leases.drop(database.engine)
    with database.engine.begin() as connection:
        connection.execute(delete(schema.meta))
    database.close()
    with pytest.raises(StorageRefused, match="schema None"):
        open_database(url)
    open_database(url, create=True).close()
    database = open_database(url)
    assert "sweep_leases" in inspect(database.engine).get_table_names()
    database.close()


@pytest.mark.parametrize("create", [False, True])
def test_a_newer_schema_is_refused(url: str, create: bool) -> None:
    database = open_database(url)
    with database.engine.begin() as connection:
        connection.execute(update(schema.meta).values(value="99"))
    database.close()
    with pytest.raises(StorageRefused) as refusal:
        open_database(url, create=create)
    assert (
        f"another version of this service (schema 99, this one reads {schema.SCHEMA_VERSION}). It was not changed"
        in str(refusal.value)
    )


def test_rounds_of_an_earlier_schema_are_kept(url: str) -> None:
    database = open_database(url)
    store_round(database, 1, 0, 1, valid_loss=math.nan, train_loss=-0.0)
    as_it_was = get_rounds(database, 1, 0)
    with database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("ALTER TABLE sweep_rounds DROP COLUMN extra"))
        connection.execute(update(schema.meta).values(value="3"))
    database.close()
    for _ in range(2):
        database = open_database(url)
        assert repr(get_rounds(database, 1, 0)) == repr(as_it_was)
        database.close()
    database = open_database(url)
    store_round(database, 1, 0, 2, train_loss=None, f1=0.5)
    database.close()


def test_a_schema_without_additions_gets_them_and_keeps_its_studies(url: str) -> None:
    database = open_database(url)
    study = make_study(database, "first")
    store_round(database, 1, 0, 1, valid_loss=0.5)
    schema.additions.drop(database.engine)
    with database.engine.begin() as connection:
        connection.execute(update(schema.meta).where(schema.meta.c.key == "schema_version").values(value="5"))
    database.close()
    database = open_database(url)
    assert (list_studies(database), len(get_rounds(database, 1, 0))) == ([study], 1)
    request_addition(database, study.study_id, {"quality": 0.5})
    assert [each.point for each in read_additions(database, study.study_id)] == [{"quality": 0.5}]
    database.close()


def test_optunas_own_database_is_refused_on_reading_and_shared_on_launching(empty_url: str) -> None:
    plain = optuna.create_study(
        storage=empty_url.replace("postgresql:", "postgresql+psycopg:"), study_name="theirs"
    )
    plain.add_trial(optuna.trial.create_trial(value=1.0))
    plain._storage.remove_session()
    with pytest.raises(StorageRefused, match="contains Optuna studies, but none of this service"):
        open_database(empty_url)
    database = open_database(empty_url, create=True)
    make_study(database, "ours")
    assert [row.name for row in list_studies(database)] == ["ours"]
    assert optuna.load_study(study_name="theirs", storage=database.optuna).best_value == 1.0
    database.close()
    plain._storage._backend.engine.dispose()


def test_somebody_elses_tables_are_left_as_they_are(empty_url: str, dialect: str, tmp_path: Path) -> None:
    other = Database(*_other_tables(empty_url))
    before = (tmp_path / "studies.db").read_bytes() if dialect == "sqlite" else b""
    for create in (False, True):
        with pytest.raises(StorageRefused) as refusal:
            open_database(empty_url, create=create)
        assert "contains tables of another program (invoices, …). It was not changed" in str(refusal.value)
    assert inspect(other.engine).get_table_names() == ["invoices"]
    assert before == ((tmp_path / "studies.db").read_bytes() if dialect == "sqlite" else b"")
    other.close()


def _other_tables(text: str):
    import sqlalchemy

    from storage.url import parse_url

    url = parse_url(text)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (number INTEGER)")
    return url, engine


def test_an_optuna_schema_of_another_version_is_refused(url: str) -> None:
    database = open_database(url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    with pytest.raises(
        StorageRefused, match=r"was written by another version of Optuna\. It was not changed"
    ):
        _ = database.optuna
    database.close()


# SQLite


@pytest.mark.parametrize("create", [False, True])
def test_a_database_of_optuna_4_is_left_as_it_is(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:  # as Optuna 4 wrote it, a study of two trials
        connection.executescript((Path(__file__).parent / "optuna_4.sql").read_text())
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageRefused, match=r"was written by Optuna 4\.\d+\.\d+, .* It was not changed"):
        open_database(str(path), create=create)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["theirs.db"]


def test_a_mistyped_path_is_an_error_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable) as refusal:
        open_database(f"sqlite:///{tmp_path}/new/studies.db")
    assert f"There is no database at {tmp_path}/new/studies.db." in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_is_in_wal_mode_and_alone(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/new/studies.db", create=True).close()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["studies.db"]
    with sqlite3.connect(tmp_path / "new" / "studies.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_readers_read_while_a_writer_writes(tmp_path: Path) -> None:
    writer = open_database(f"sqlite:///{tmp_path}/studies.db", create=True)
    reader = open_database(f"sqlite:///{tmp_path}/studies.db")
    with writer.engine.begin() as connection:
        connection.execute(update(schema.meta).values(value="written"))
        with reader.engine.connect() as other:
            assert other.scalar(select(schema.meta.c.value)) == str(schema.SCHEMA_VERSION)
    writer.close(), reader.close()


@pytest.mark.parametrize("content", [b"dear diary", b"dear diary, " * 100, b"\x00" * 5000])
@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes, create: bool) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(content)
    with pytest.raises(StorageRefused, match=r"notes\.db is not a SQLite database. It was not changed"):
        open_database(str(path), create=create)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["notes.db"]


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"
    open_database(str(path), create=True).close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(UnusableFile, match=r"can't be opened: .*malformed\. Check that no other program"):
        open_database(str(path))


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable, match=r"file: can't be created \(File exists\)"):
        open_database(f"sqlite:///{tmp_path}/file/studies.db", create=True)
    with pytest.raises(StorageUnavailable, match="can't be opened: unable to open database file"):
        open_database(f"sqlite:///{tmp_path}")


# PostgreSQL


def test_a_wrong_password_is_told_without_it(server: Server) -> None:
    right = server.url.render_as_string(hide_password=False)
    wrong = server.url.set(password="hunter2").render_as_string(hide_password=False)
    for text, why in [(wrong, "password authentication failed"), (f"{right}x", "does not exist")]:
        with pytest.raises(StorageUnavailable) as refusal:
            open_database(text)
        assert why in str(refusal.value)
        assert (
            "Check that the server is running and that user, password and database name are correct"
            in str(refusal.value)
        )
        assert "hunter2" not in str(refusal.value)
        assert PASSWORD not in str(refusal.value)
