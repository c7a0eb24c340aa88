"""Whatever a run waits for, the wait has an end, with a message that says what was waited for and what to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.errors import RunBroken
from sweeps.runners.ray_tune.start_watch import watched_start
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
    from sweeps.runners.ray_tune.place_watch import PlaceWatch

    monkeypatch.setattr(PlaceWatch, "check", lambda *_: None)  # a process takes its time to start
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
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A list whose last item is the time, in seconds, that a PlaceWatch sees."""
    from sweeps.runners.ray_tune import place_watch

    times = [0.0]
    monkeypatch.setattr(place_watch, "_free_resources", lambda: "Ray has 1 of 8 CPU free")
    monkeypatch.setattr(place_watch.time, "monotonic", lambda: times[-1])
    yield times
    monkeypatch.undo()


def test_a_slot_that_is_never_placed_ends_the_run(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    from sweeps.runners.ray_tune.place_watch import PlaceWatch

    watch = PlaceWatch(threads=4, gpus=0.5, timeout_seconds=90.0)
    clock.append(70.0)
    for _ in range(2):
        watch.check(has_worker=False)
    note = "sweep: no worker has started yet; each needs 4 CPU and 0.5 GPU; Ray has 1 of 8 CPU free\n"
    assert capsys.readouterr().err == note
    clock.append(91.0)
    with pytest.raises(
        RunBroken, match=r"No worker has found a place within 90 s\. Each needs 4 CPU and 0\.5 GPU"
    ):
        watch.check(has_worker=False)


def test_the_time_without_a_worker_begins_anew_when_the_last_one_is_gone(clock: list[float]) -> None:
    from sweeps.runners.ray_tune.place_watch import PlaceWatch

    watch = PlaceWatch(threads=1, gpus=0.0, timeout_seconds=90.0)
    clock.append(80.0)
    watch.check(has_worker=True)
    clock.append(169.0)
    watch.check(has_worker=False)
