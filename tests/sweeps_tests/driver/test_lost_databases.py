"""A database whose file goes away, or can only be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from storage import DatabaseGone
from storage.checkpoints import get_checkpoints
from sweeps.driver.study_driver import StudyDriver
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep, as_ordinary_user


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_database_that_is_deleted_in_mid_run_ends_the_run(
    launch_toy: ToyLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, record, calls = tmp_path / "studies.db", StudyDriver.record, 0

    def losing_record(self: StudyDriver, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            content = path.read_bytes()
            path.unlink()
            if how == "replaced":
                path.write_bytes(content)
        return record(self, *args)

    monkeypatch.setattr(StudyDriver, "record", losing_record)
    with pytest.raises(DatabaseGone, match=r"studies\.db was deleted or replaced while the study ran"):
        launch_toy(storage=f"sqlite:///{path}")
    assert calls == 5


@pytest.mark.parametrize(
    "words", [["studies"], ["status", "s"], ["best", "s"], ["trials", "s"], ["show", "s", "0"]]
)
def test_a_finished_study_is_read_from_a_read_only_disk(
    launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path, words: list[str]
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    storage = f"sqlite:///{folder}/studies.db"
    launch_toy(num_trials=2, study="s", storage=storage).study.database.close()
    assert [path.name for path in folder.iterdir()] == ["studies.db"]
    expected = sweep(*words, "--storage", storage).out
    for path, mode in ((folder / "studies.db", 0o444), (folder, 0o555)):
        path.chmod(mode)
    try:
        assert as_ordinary_user(lambda: os.access(folder, os.W_OK)) is False
        assert as_ordinary_user(lambda: sweep(*words, "--storage", storage)).out == expected
        said = as_ordinary_user(lambda: sweep("resume", "s", "-n", "3", "--storage", storage, code=1)).err
        assert "is on a read-only disk, so its studies can only be read" in said
    finally:
        folder.chmod(0o755)


def test_what_a_driver_left_that_was_killed_between_two_steps_is_cleaned_up(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=2, keep_weights="all").study
    kept = sorted(path.name for path in (study.out / "weights").iterdir())
    stray = ["weights/trial-0000-round-000001.pt", "checkpoints/trial-0001-round-000003.ckpt"]
    for name in stray:
        (study.out / name).parent.mkdir(exist_ok=True)
        (study.out / name).write_bytes(b"left behind")
    with study.database.engine.begin() as connection:
        connection.exec_driver_sql('INSERT INTO sweep_checkpoints VALUES (1, 0, \'{"file": "f"}\')')
        connection.exec_driver_sql("DELETE FROM sweep_leases")
    again = launch_toy(num_trials=3, keep_weights="all").study
    assert sorted(path.name for path in (again.out / "weights").iterdir())[:2] == kept
    assert list((again.out / "checkpoints").iterdir()) == []
    assert get_checkpoints(again.database, again.row.study_id) == {}


def test_rounds_that_an_earlier_version_had_not_copied_are_completed(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps.sweep import resume
    from tests.sweeps_tests.driver.test_checkpoints import cut_off_after

    with monkeypatch.context() as patch:
        cut_off_after(4, patch)
        study = launch_toy(num_trials=1, study="cut").study
    with study.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM trial_intermediate_values WHERE step = 3")
    resume("cut")
    trial = load("cut").database.optuna.get_trial(study.trial(0).trial_id)
    assert sorted(trial.intermediate_values) == list(range(1, 11))
