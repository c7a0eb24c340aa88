"""Workers, driver and database are killed while a study runs: its table is the undisturbed one, bit for bit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.postgres import Server
from tests.sweeps_tests.driver.chaos import HOW, STUDY, assert_undisturbed, disturb


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the drivers' own; short, because Ray puts sockets into it."""
    folder = Path(tempfile.mkdtemp(prefix="ch", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.ray
@pytest.mark.parametrize(
    ("num_trials", "num_kills", "num_pauses"),
    [(8, 3, 0), *(pytest.param(*size, marks=pytest.mark.soak) for size in ((30, 20, 9), (250, 200, 60)))],
)
def test_a_study_that_is_killed_again_and_again_comes_to_the_undisturbed_table(
    launch_toy: ToyLauncher,
    mortal_server: Server,
    temporary: Path,
    num_trials: int,
    num_kills: int,
    num_pauses: int,
) -> None:
    storage = mortal_server.create("chaos")
    chaos = disturb(storage, num_trials, num_kills, num_pauses, kill_database=mortal_server.kill)
    assert chaos.killed.total() == num_kills + num_pauses
    assert set(chaos.killed) >= {"worker", "driver", "database"}
    undisturbed = launch_toy(*HOW, num_trials=num_trials, study="undisturbed").study
    assert_undisturbed(load(STUDY, storage), undisturbed)


@pytest.mark.ray
@pytest.mark.soak
@pytest.mark.parametrize(("num_trials", "num_kills", "num_pauses"), [(30, 16, 9), (250, 200, 60)])
def test_the_same_in_a_file(
    launch_toy: ToyLauncher, tmp_path: Path, temporary: Path, num_trials: int, num_kills: int, num_pauses: int
) -> None:
    storage = f"sqlite:///{tmp_path}/chaos.db"
    chaos = disturb(storage, num_trials, num_kills, num_pauses)
    assert chaos.killed.total() == num_kills + num_pauses
    undisturbed = launch_toy(*HOW, num_trials=num_trials, study="undisturbed").study
    assert_undisturbed(load(STUDY, storage), undisturbed)
