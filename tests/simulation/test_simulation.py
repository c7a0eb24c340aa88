"""Drivers that are killed, paused, cut off and doubled: in every order the study comes to the undisturbed table."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage.host import ProcessIdentity
from storage.leases import Lease
from tests.simulation.database import SimulatedHost
from tests.simulation.schedules import Schedules

NUM_SCHEDULES = 500


@pytest.fixture
def schedules(tmp_path: Path, home: Path) -> Schedules:
    return Schedules(tmp_path)


def run_share(folder: Path, seeds: range) -> Counter[tuple[str, str]]:
    """Of one of several processes: its share of the schedules."""
    os.environ["SWEEP_HOME"] = str(folder)
    folder.mkdir()
    schedules = Schedules(folder)
    for seed in seeds:
        schedules.run(seed)
    return schedules.reached


def run_all(folder: Path, number: int) -> Counter[tuple[str, str]]:
    """Schedules 0 … number - 1, on all cores; returns how often each state was reached."""
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        shares = [
            pool.submit(run_share, folder / str(core), range(core, number, cores)) for core in range(cores)
        ]
        return sum((share.result() for share in shares), Counter())


def told(reached: Counter[tuple[str, str]]) -> str:
    """Which share of the states was reached: something breaks (by kind) while its victim does something."""
    kinds, doings = ({state[part] for state in reached} for part in (0, 1))
    share = len(reached) / (len(kinds) * len(doings))
    return f"{len(reached)} of {len(kinds)} x {len(doings)} states ({share:.0%})"


@pytest.mark.parametrize(
    "number", [NUM_SCHEDULES, pytest.param(10_000, marks=pytest.mark.soak)], ids=["quick", "soak"]
)
def test_in_every_schedule_the_study_comes_to_the_undisturbed_table(
    tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = run_all(tmp_path, number)
    with capsys.disabled():
        print(f"\n{number} schedules: {told(reached)}")
    assert {kind for kind, _ in reached} >= {
        *(
            "kill",
            "pause",
            "cut off",
            "clock jump",
            "full disk",
            "second driver",
            "slow",
            "lost answer",
            "delete",
        ),
        *("stop", "pause, delete", "pause, second driver"),
    }
    assert len(reached) > number / 5


def test_one_seed_decides_everything(schedules: Schedules) -> None:
    histories = [schedules.run(3).told for _ in range(2)]
    assert histories[0] == histories[1]
    assert len(histories[0]) > 2


@contextlib.contextmanager
def without_a_check(lease: Lease) -> Iterator[Connection]:
    """How drivers wrote before: whoever had got the lease once went on."""
    with lease._database.engine.begin() as connection:
        yield connection


def test_a_woken_driver_that_writes_on_is_found(
    schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lease, "writing", without_a_check)
    found = schedules.first_wrong(range(NUM_SCHEDULES))
    assert found is not None
    assert any(how in found[1] for how in ("write after a lost lease", "ended by", "not the undisturbed"))


def whoever_has_that_name_is_on_this_host(host: SimulatedHost, other: ProcessIdentity) -> bool:
    """How a holder was known to be dead before: no process of its number here, whatever process table it has."""
    return not host._is_there(other.pid)


def test_a_holder_looked_for_in_the_wrong_process_table_is_found(
    schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedHost, "is_gone", whoever_has_that_name_is_on_this_host)
    found = schedules.first_wrong(range(NUM_SCHEDULES))
    assert found is not None
    assert "which was alive" in found[1]
