"""Workers, driver and database are killed while a study runs: its table is the undisturbed one, bit for bit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.leases import holder
from storage.outcomes import count_states
from sweeps.study.stored_study import Study, load
from tests.conftest import TOY, TOY_SPACE, ToyLauncher
from tests.postgres import Server
from tests.sweeps_tests.driver.chaos import Chaos
from tests.sweeps_tests.driver.tables import figures

SECONDS = "seconds=0.06"
BEHAVIOUR = "behaviour=overfits"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the drivers' own; short, because Ray puts sockets into it."""
    folder = Path(tempfile.mkdtemp(prefix="ch", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def disturbed(storage: str, num_trials: int, num_kills: int, server: Server) -> Chaos:
    launch = ["launch", TOY, "--space", str(TOY_SPACE), SECONDS, BEHAVIOUR, "-n", str(num_trials)]
    how = ["--runner", "ray", "--workers", "2", "--checkpoint-every", "0", "--study", "disturbed"]
    chaos = Chaos(
        [*launch, *how, "--storage", storage],
        "disturbed",
        storage,
        seed=num_kills,
        num_kills=num_kills,
        kill_database=server.kill,
    )
    chaos.run()
    return chaos


def assert_undisturbed(study: Study, undisturbed: Study) -> None:
    """The same table, and nothing left: no trial in flight, no lease, no file that is not a result."""
    assert figures(study) == figures(undisturbed)
    assert count_states(study.database, study.row.study_id) == {"COMPLETE": len(study.table())}
    assert holder(study.database, study.row.study_id) is None
    files = {path.relative_to(study.out).as_posix() for path in study.out.rglob("*") if path.is_file()}
    kept = {f"weights/{trial.attributes['weights']['file']}" for trial in study.ranking(5)}
    assert files == {".study.json", "best.yaml", *kept}


@pytest.mark.ray
@pytest.mark.parametrize(
    ("num_trials", "num_kills"),
    [(12, 5), *(pytest.param(*size, marks=pytest.mark.soak) for size in ((30, 20), (250, 200)))],
)
def test_a_study_that_is_killed_again_and_again_comes_to_the_undisturbed_table(
    launch_toy: ToyLauncher, mortal_server: Server, temporary: Path, num_trials: int, num_kills: int
) -> None:
    storage = mortal_server.create("chaos")
    chaos = disturbed(storage, num_trials, num_kills, mortal_server)
    assert chaos.killed.total() == num_kills
    assert set(chaos.killed) == {"worker", "driver", "database"}
    undisturbed = launch_toy(SECONDS, BEHAVIOUR, num_trials=num_trials, study="undisturbed").study
    assert_undisturbed(load("disturbed", storage), undisturbed)
