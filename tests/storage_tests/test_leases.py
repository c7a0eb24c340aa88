"""One live driver per study: held while its holder lives, free at once when it is gone."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from sqlalchemy import delete, select, update

from storage import Database, LeaseHeld, leases, open_database, schema
from storage.host import Host, started
from storage.leases import Lease, acquire, answers, holder

_HOLD = """
import sys
from storage import open_database
from storage.leases import acquire
lease = acquire(open_database(sys.argv[1]), 1)
print("held", flush=True)
sys.stdin.read()
lease.release()
"""


@pytest.fixture(autouse=True)
def _quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a counter to move has not known at once."""

    def sleep(host: Host, seconds: float) -> None:
        pytest.fail("waited for a holder that is known to be gone")

    monkeypatch.setattr(Host, "sleep", sleep)


@pytest.fixture
def other_driver(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process of this host that holds the lease of study 1."""
    code = _HOLD.replace("lease =", "from storage import leases; leases.BEAT_SECONDS = 0.02; lease =")
    with subprocess.Popen(
        [sys.executable, "-c", code, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def bystander(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this host in whose name the lease of study 1 is held."""
    with subprocess.Popen(["sleep", "600"]) as process:
        insert(database, pid=process.pid, started=started(psutil.Process(process.pid)))
        yield process
        process.kill()


def insert(database: Database, **values: Any) -> None:
    """A lease row, as somebody else would have written it."""
    values = {**leases._values(database, "other", fence=7), **values}
    with database.engine.begin() as connection:
        connection.execute(schema.leases.insert().values(study_id=1, **values))


def row(database: Database) -> Any:
    with database.engine.connect() as connection:
        return connection.execute(select(schema.leases)).one_or_none()


def change(database: Database, **values: Any) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(schema.leases).values(**values))


def rename(database: Database, old: str, new: str) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


def wait_until(holds: Callable[[], bool]) -> None:
    """Until the lease's thread has had its turn, however busy the machine is."""
    deadline = time.monotonic() + 400
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_until_lost(lease: Lease) -> None:
    wait_until(lambda: lease.is_lost)


def test_who_does_not_know_whether_the_lease_was_got_asks_again(database: Database) -> None:
    acquire(database, 1, token="mine")._stop()  # the answer was lost with the connection
    again = acquire(database, 1, token="mine")
    with pytest.raises(LeaseHeld):
        acquire(database, 1, token="another's")
    assert not again.is_lost
    again.release()
    assert row(database) is None


def test_a_lease_is_there_from_acquire_to_release(database: Database) -> None:
    assert holder(database, 1) is None
    lease = acquire(database, 1)
    assert str(holder(database, 1)).startswith(
        f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}, since 20"
    )
    assert not lease.is_lost
    lease.release()
    assert (holder(database, 1), row(database)) == (None, None)


def test_a_lease_beats(database: Database) -> None:
    lease = acquire(database, 1)
    wait_until(lambda: row(database).beat >= 2)
    lease.release()


def test_each_study_has_its_own(database: Database) -> None:
    one, other = acquire(database, 1), acquire(database, 2)
    one.release()
    assert holder(database, 2) is not None
    other.release()


def test_a_second_driver_is_refused_with_the_holders_name(
    database: Database, other_driver: subprocess.Popen[str]
) -> None:
    assert f", process {other_driver.pid}, since" in str(holder(database, 1))
    with pytest.raises(LeaseHeld) as refusal:
        acquire(database, 1)
    assert str(refusal.value).startswith(f"Another process is running this study: {getpass.getuser()}@")
    assert f", process {other_driver.pid}, since" in str(refusal.value)
    assert str(refusal.value).startswith("Another process is running this study: ")


def test_a_lease_that_was_given_back_is_free(
    database: Database, other_driver: subprocess.Popen[str], no_waiting: None
) -> None:
    other_driver.communicate()
    assert holder(database, 1) is None
    acquire(database, 1).release()


def test_a_killed_holders_lease_is_taken_over_at_once(
    database: Database, bystander: subprocess.Popen[bytes], no_waiting: None
) -> None:
    assert holder(database, 1) is not None
    bystander.send_signal(signal.SIGKILL)
    bystander.wait()
    assert holder(database, 1) is None
    lease = acquire(database, 1)
    assert row(database).pid == os.getpid()
    lease.release()
    assert row(database) is None


def test_a_killed_holder_that_nobody_has_buried_is_gone_too(
    database: Database, bystander: subprocess.Popen[bytes], no_waiting: None
) -> None:
    os.kill(bystander.pid, signal.SIGKILL)
    os.waitid(os.P_PID, bystander.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table of processes
    assert holder(database, 1) is None
    acquire(database, 1).release()


def test_another_process_with_the_holders_number_is_not_the_holder(
    database: Database, bystander: subprocess.Popen[bytes], no_waiting: None
) -> None:
    change(database, started=row(database).started - 100.0)
    assert holder(database, 1) is None
    acquire(database, 1).release()


def test_a_holder_in_another_process_table_is_not_looked_for_in_ours(
    database: Database, bystander: subprocess.Popen[bytes]
) -> None:
    """Two containers may share a host's name: a process number of the one tells nothing in the other."""
    change(database, place=row(database).place.replace("pid:[", "pid:[9"))
    bystander.kill()
    bystander.wait()
    assert holder(database, 1) is not None
    lease = acquire(database, 1, lease_seconds=0.3)  # by its silence
    lease.release()


def test_where_the_process_table_is_not_known_only_beats_count(
    database: Database, bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(database, place="")
    bystander.kill()
    bystander.wait()
    monkeypatch.setattr("storage.host._place", lambda: "")
    assert holder(database, 1) is not None


def test_whether_a_holder_answers_is_seen(database: Database) -> None:
    assert not answers(database, 1, lease_seconds=0.1)
    lease = acquire(database, 1)
    assert answers(database, 1)
    lease._stop()
    assert not answers(database, 1, lease_seconds=0.1)


def test_a_clock_that_jumps_makes_no_holder_dead(
    database: Database, other_driver: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = psutil._psplatform
    booted = platform.boot_time()
    created = psutil.Process(other_driver.pid).create_time()
    monkeypatch.setattr(
        platform, "boot_time", lambda: booted + 3600.0
    )  # what Linux tells after an hour's jump
    assert psutil.Process(other_driver.pid).create_time() == pytest.approx(created + 3600.0)
    assert holder(database, 1) is not None
    with pytest.raises(LeaseHeld):
        acquire(database, 1)


def test_a_silent_holder_on_another_host_is_waited_for_and_taken_over(database: Database) -> None:
    insert(database, host="elsewhere", place="another boot", holder="me@elsewhere")
    assert holder(database, 1) == "me@elsewhere"
    lease = acquire(database, 1, lease_seconds=0.3)
    assert row(database).host == socket.gethostname()
    lease.release()


def test_a_beating_holder_on_another_host_is_not_taken_over(database: Database) -> None:
    lease = acquire(database, 1)
    change(database, host="elsewhere", place="another boot", pid=1, holder="me@elsewhere")
    with pytest.raises(LeaseHeld, match="running this study: me@elsewhere"):
        acquire(database, 1, lease_seconds=400)  # it is refused at the first beat
    assert not lease.is_lost
    lease.release()


def test_a_holder_that_moves_at_the_last_moment_keeps_its_lease(database: Database) -> None:
    lease = acquire(database, 1)
    seen = (row(database).fence, row(database).beat - 1)
    assert not leases._take_over(database, 1, "another's", seen)
    assert not lease.is_lost
    lease.release()


def test_who_was_taken_over_is_told_and_keeps_its_hands_off(database: Database, url: str) -> None:
    lease = acquire(database, 1)
    change(database, fence=99, holder="me@elsewhere")
    wait_until_lost(lease)
    lease.release()
    assert row(database).holder == "me@elsewhere"


def test_a_lease_whose_study_was_deleted_is_lost(database: Database) -> None:
    lease = acquire(database, 1)
    with database.engine.begin() as connection:
        connection.execute(delete(schema.leases))
    wait_until_lost(lease)
    lease.release()


def test_of_several_drivers_at_once_one_gets_the_lease(url: str) -> None:
    databases = [open_database(url) for _ in range(4)]
    together, held, refused = threading.Barrier(4), [], []

    def drive(database: Database) -> None:
        together.wait()
        try:
            held.append(acquire(database, 1))
        except LeaseHeld as error:
            refused.append(error)

    threads = [threading.Thread(target=drive, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 3)
    held[0].release()
    for database in databases:
        database.close()


def test_a_database_that_is_away_for_a_while_loses_no_lease(database: Database) -> None:
    lease = acquire(database, 1)
    rename(database, "sweep_leases", "away")  # to the lease's thread: an error like any other
    time.sleep(0.1)
    rename(database, "away", "sweep_leases")
    beat = row(database).beat
    wait_until(lambda: row(database).beat > beat)
    assert not lease.is_lost
    lease.release()
