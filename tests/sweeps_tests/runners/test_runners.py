"""One contract for every runner: the same study gives the same table, whatever its trials do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps.driver.study_driver import StudyDriver
from tests.conftest import ToyLauncher

TRIAL_SECONDS = 4.0


@pytest.fixture
def overdue_once_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials are overdue when the one that hangs is alone and silent, however slow the others' machine is."""
    from sweeps.runners.ray_tune import runner

    kill_overdue, now = runner.RayRunner._kill_overdue, [0.0]

    def look(self: runner.RayRunner, driver: StudyDriver) -> None:
        if [each.chosen["behaviour"] for each in driver.running.values() if len(each.rounds) == 3] == [
            "hangs"
        ]:
            now[0] = (
                2 * TRIAL_SECONDS if len(driver.running) == 1 else 0.0
            )  # too early for a start or a close
        kill_overdue(self, driver)
        now[0] = 0.0  # no other wait is overdue

    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(runner.RayRunner, "_kill_overdue", look)


@pytest.mark.ray
@pytest.mark.usefixtures("overdue_once_it_hangs")
def test_ray_survives_whatever_a_trial_does(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    space = tmp_path / "behaviours.yaml"
    words = [
        "learns",
        "overfits",
        "collapses",
        "diverges",
        "nan_at_once",
        "crashes",
        "allocates",
        "hangs",
        "dies",
    ]
    space.write_text(f"space:\n  behaviour: {{choices: [{', '.join(words)}]}}\n")
    result = launch_toy(
        space=space,
        sampler="grid",
        num_trials=len(words),
        runner="ray",
        workers=2,
        trial_timeout_seconds=TRIAL_SECONDS,
        max_failures=9,
    )
    ends = {t.params["behaviour"]: (t.state, t.attributes["stop_reason"]) for t in result.study.table()}
    assert ends == {
        "learns": ("COMPLETE", "finished"),
        "overfits": ("COMPLETE", "overfitting"),
        "collapses": ("COMPLETE", "collapsed"),
        "diverges": ("COMPLETE", "diverged"),
        "nan_at_once": ("COMPLETE", "diverged"),
        "crashes": ("FAIL", "error"),
        "allocates": ("FAIL", "error"),
        "hangs": ("FAIL", "error"),
        "dies": ("FAIL", "error"),
    }
    evidence = {t.params["behaviour"]: t.attributes.get("evidence", {}) for t in result.study.table()}
    kinds = {word: evidence[word]["kind"] for word in ("crashes", "allocates", "hangs", "dies")}
    assert kinds == {
        "crashes": "error",
        "allocates": "out_of_memory",
        "hangs": "timeout",
        "dies": "worker_lost",
    }
    assert 2**20 < evidence["allocates"]["peak_memory_bytes"] < 2**40
    (crashed,) = (t for t in result.study.table() if t.params["behaviour"] == "crashes")
    assert "the toy crashes" in crashed.attributes["traceback"]
    assert evidence["hangs"]["last_round"] == 3


def test_the_failed_cells_of_a_grid_are_run_again(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    space, mark = tmp_path / "grid.yaml", tmp_path / "crashed"
    space.write_text("space:\n  behaviour: {choices: [crashes, learns, crashes_once]}\n")
    options = {"space": space, "sampler": "grid", "num_trials": None, "max_failures": 9}
    study = launch_toy(f"dies_once={mark}", **options).study
    ends = [(trial.params["behaviour"], trial.state) for trial in study.table()]
    assert ends == [
        ("crashes", "FAIL"),
        ("learns", "COMPLETE"),
        ("crashes_once", "FAIL"),
        ("crashes", "FAIL"),
        ("crashes_once", "COMPLETE"),
    ]
    resumed = launch_toy(f"dies_once={mark}", **options).study
    assert len(resumed.all_trials()) == 5


@pytest.mark.ray
@pytest.mark.soak  # test_cluster.py has it for the nodes of a cluster
def test_a_worker_with_other_code_is_refused(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps import sweep
    from sweeps.errors import UsageError

    monkeypatch.setattr(sweep, "code_digest", lambda: "another")
    with pytest.raises(UsageError, match="Install the same version"):
        launch_toy(runner="ray", workers=1)
