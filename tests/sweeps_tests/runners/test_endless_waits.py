"""Whatever a run waits for, the wait has an end, with a message that says what was waited for and what to do."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from sweeps.errors import RunBroken
from sweeps.runners.ray_tune.start_watch import watched_start
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric
from sweeps.trial.work import WorkPlan
from tests.sweeps_tests.conftest import Sweep

HANGS = """
import os, sys, time

import sweeps

if os.getpid() != int(os.environ["SWEEP_TEST_DRIVER"]):
    time.sleep(3600)  # in workers only


@sweeps.objective(space={"x": (0.0, 1.0)}, metric="score", direction="maximize")
def train(trial):
    return trial.params["x"]
"""


def test_a_start_that_hangs_is_told_with_the_line() -> None:
    told: list[str] = []
    came = threading.Event()

    def tell(message: str) -> None:
        told.append(message)
        came.set()

    with watched_start(0.01, tell):
        came.wait(60)
    assert "A worker did not load its code and data within 0.01 s: it was still at" in told[0]
    assert "test_endless_waits.py" in told[0]
    assert "--start-timeout SECONDS" in told[0]


def test_a_start_in_time_tells_nothing() -> None:
    told: list[str] = []
    with watched_start(60, told.append):
        pass
    assert threading.active_count() < 100
    assert told == []


@pytest.mark.ray
def test_a_worker_whose_import_hangs_ends_the_run_and_the_study_can_be_continued(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps.runners.ray_tune.runner import RayRunner

    monkeypatch.setattr(RayRunner, "_check_places", lambda *_: None)  # a process takes its time to start
    code = tmp_path / "hangs.py"
    code.write_text(HANGS)
    monkeypatch.setenv("SWEEP_TEST_DRIVER", str(os.getpid()))
    said = sweep(
        "launch", code, "-n", "2", "--workers", "1", "--study", "s", "--start-timeout", "2", code=2
    ).err
    assert "A worker did not load its code and data within 2 s: it was still at" in said
    assert f"{code}:7 (<module>)" in said
    sweep("resume", "s", "--runner", "inline")


@pytest.fixture
def plan() -> WorkPlan:
    metric = Metric("score", "maximize", 0.0, 0)
    return WorkPlan("task", DataPlan(""), "", "", metric, 4, "cpu", "", False, 60.0)


@pytest.mark.ray
def test_a_slot_that_is_never_placed_ends_the_run(
    plan: WorkPlan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sweeps.runners.ray_tune import runner

    monkeypatch.setattr(runner, "_free_resources", lambda: "Ray has 1 of 8 CPU free")
    waiting = runner.RayRunner(2, gpus=0.5, start_timeout_seconds=90.0)
    waiting._slots = {0: runner._Slot(), 1: runner._Slot()}
    waiting._alone_since = time.monotonic() - 70.0
    for _ in range(2):
        waiting._check_places(plan)
    note = "sweep: no worker has started yet; each needs 4 CPU and 0.5 GPU; Ray has 1 of 8 CPU free\n"
    assert capsys.readouterr().err == note
    waiting._alone_since = time.monotonic() - 91.0
    with pytest.raises(
        RunBroken, match=r"No worker has found a place within 90 s\. Each needs 4 CPU and 0\.5 GPU"
    ):
        waiting._check_places(plan)


@pytest.mark.ray
def test_one_worker_that_is_there_is_enough(plan: WorkPlan) -> None:
    from sweeps.runners.ray_tune import runner

    waiting = runner.RayRunner(2, start_timeout_seconds=90.0)
    waiting._slots = {0: runner._Slot(actor=object()), 1: runner._Slot()}
    waiting._check_places(plan)
    assert time.monotonic() - waiting._alone_since < 60.0
