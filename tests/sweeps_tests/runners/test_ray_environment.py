"""What reaches Ray's processes: no password, no switched-off token, no path too long for a socket."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from sweeps.errors import SweepError
from sweeps.runners.ray_tune import session
from sweeps.runners.ray_tune.ray_import import asks_for_token, private
from sweeps.runners.ray_tune.session import short_folder, without_secrets
from tests.conftest import HERE, ToyLauncher

SECRET = "sqlite:////secret/s3cret.db"


def test_the_database_s_address_is_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_STORAGE", SECRET)
    with without_secrets():
        assert "SWEEP_STORAGE" not in os.environ
    assert os.environ["SWEEP_STORAGE"] == SECRET


def test_a_private_ray_asks_for_a_token_whatever_is_said_of_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_REDIS_ADDRESS", "192.0.2.1:6379")
    with private():
        assert asks_for_token()
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
        assert "RAY_REDIS_ADDRESS" not in os.environ
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    assert os.environ["RAY_REDIS_ADDRESS"] == "192.0.2.1:6379"
    assert not asks_for_token()


def test_a_long_tmpdir_is_left_for_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 58)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    folder = short_folder()
    folder.rmdir()
    assert len(str(folder)) <= 36
    assert not list(long.iterdir())


def test_where_there_is_no_short_one_tmpdir_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_LONGEST_FOLDER", 10)
    with pytest.raises(SweepError, match="Set TMPDIR to a shorter path"):
        short_folder()


@pytest.mark.ray
def test_a_study_runs_without_any_of_it(
    launch_toy: ToyLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 58)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    url, seen = f"sqlite:///{tmp_path / 'studies.db'}", tmp_path / "seen"
    for name, value in (("SWEEP_STORAGE", url), ("PGPASSWORD", "s3cret"), ("RAY_AUTH_MODE", "disabled")):
        monkeypatch.setenv(name, value)
    task = f"{HERE / 'nosy_task.py'}:Nosy"
    study = launch_toy(f"journal={seen}", task=task, num_trials=1, runner="ray", workers=1).study
    assert study.trial(0).state == "COMPLETE"
    environment, *processes = seen.read_text().split("\0\0")
    assert "SWEEP_STORAGE" not in environment
    assert "PGPASSWORD" not in environment
    assert "RAY_AUTH_MODE=token" in environment
    assert processes
    assert not any(url in each for each in processes)
    assert os.environ["SWEEP_STORAGE"] == url
