"""Ctrl-C, SIGTERM and `sweep stop`: nothing is lost, and going on gives the undisturbed table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from storage.trials import TrialRow
from sweeps import sweep as sweeping
from sweeps.study.stored_study import Study, load
from tests.conftest import TOY, TOY_SPACE, ToyLauncher
from tests.sweeps_tests.conftest import Sweep

SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]


PATIENCE_SECONDS = 400.0  # of a machine that is busy; nothing waits for its end where all is well


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Studies that are started within do not come to their end, however slowly the test looks at them."""
    monkeypatch.setenv("TOY_HELD", str(tmp_path / "rounds"))


def start(*words: str) -> subprocess.Popen[str]:
    """`sweep launch` of the toy in a process group of its own, as a terminal would start it."""
    command = [*SWEEP, "launch", TOY, "--space", str(TOY_SPACE), "--study", "disturbed", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_until(process: subprocess.Popen[str], holds: Callable[[Study], bool]) -> None:
    """Wait until the study that `process` drives is so far."""
    while process.poll() is None:
        time.sleep(0.05)
        try:
            if holds(load("disturbed")):
                return
        except Exception:  # noqa: BLE001 - not created yet
            continue
    raise AssertionError(process.stderr.read() if process.stderr else "ended early")


def figures(trials: list[TrialRow]) -> list[Any]:
    return [(t.number, t.state, t.value, t.params, t.attributes["rounds"]) for t in trials]


def states(study: Study) -> set[str]:
    return {trial.state for trial in study.all_trials()}


INLINE = ["--runner", "inline"]
ON_RAY = ["--runner", "ray", "--workers", "2"]
RUNNERS = [INLINE, pytest.param(ON_RAY, marks=pytest.mark.ray)]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("how", "code", "runner"),
    [  # Ray installs a handler of SIGTERM; of Ctrl-C on Ray, the next two tests tell
        (signal.SIGINT, 130, INLINE),
        (signal.SIGTERM, 143, INLINE),
        pytest.param(signal.SIGTERM, 143, ON_RAY, marks=pytest.mark.ray),
    ],
)
def test_an_interrupted_study_goes_on_to_the_undisturbed_table(
    launch_toy: ToyLauncher,
    monkeypatch: pytest.MonkeyPatch,
    runner: list[str],
    how: signal.Signals,
    code: int,
) -> None:
    process = start("-n", "12", *runner)
    monkeypatch.delenv("TOY_HELD")
    wait_until(process, lambda study: len(study.table()) >= 2)
    process.send_signal(how)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code, said
    assert "sweep resume disturbed" in said
    study = load("disturbed")
    assert states(study) <= {"COMPLETE", "WAITING"}
    assert len(study.table()) < 12
    subprocess.run([*SWEEP, "resume", "disturbed", "--runner", "inline"], check=True, capture_output=True)
    undisturbed = launch_toy(num_trials=12, study="undisturbed").study
    assert figures(study.table()) == figures(undisturbed.table())


def test_a_closed_terminal_pauses_the_running_trials() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, under which the tests may run, ignores it
    try:
        process = start("seconds=0.2", "-n", "50", "--runner", "inline")
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 129, said
    assert told(said) == [
        "sweep: Interrupted; the running trials are paused. To continue: sweep resume disturbed"
    ]
    assert "RUNNING" not in states(load("disturbed"))


@pytest.mark.parametrize("place", ["claim", "remove_unfinished", "ResultsKeeper", "_runner"])
def test_a_signal_while_a_run_begins_ends_it_with_how_to_go_on(
    launch: Sweep, sweep: Sweep, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    done = getattr(sweeping, place)

    def interrupted(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return done(*given)

    with monkeypatch.context() as patch:
        patch.setattr(sweeping, place, interrupted)
        said = launch("-n", "2", "--study", "s", code=130).err
    assert told(said) == ["sweep: Interrupted; the running trials are paused. To continue: sweep resume s"]
    sweep("resume", "s")
    assert len(load("s").table()) == 2


def told(said: str) -> list[str]:
    """The messages of ours after the header."""
    return [line for line in said.splitlines() if line.startswith("sweep:")]


@pytest.mark.parametrize("runner", [INLINE, pytest.param(ON_RAY, marks=[pytest.mark.ray, pytest.mark.soak])])
def test_ctrl_c_does_not_wait_for_a_long_round(runner: list[str]) -> None:
    process = start("seconds=600", "-n", "2", *runner)
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, said
    assert "sweep resume disturbed" in said
    assert states(load("disturbed")) == {"WAITING"}


@pytest.mark.ray
def test_a_second_ctrl_c_ends_at_once_and_leaves_no_process() -> None:
    process = start("seconds=600", "-n", "2", "--runner", "ray", "--workers", "2")
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 3
    process.send_signal(signal.SIGINT)
    wait_until_waiting(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=PATIENCE_SECONDS) == 130
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert not alive


def wait_until_waiting(process: subprocess.Popen[str]) -> None:
    while states(load("disturbed")) != {"WAITING"}:
        time.sleep(0.02)


@pytest.mark.ray
def test_sigterm_while_ray_starts_ends_the_run_with_one_message_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(prefix="ks", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        process = start("seconds=600", "-n", "2", "--runner", "ray", "--workers", "2")
        while not list(Path(folder).glob("sweep-*/ray/session_*")):  # Ray makes this folder first
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 143, said
        assert "Traceback" not in said
        assert "Exception ignored" not in said
        assert told(said) == [
            "sweep: Interrupted; the running trials are paused. To continue: sweep resume disturbed"
        ]
        assert list(Path(folder).glob("sweep-*")) == []


def test_sweep_stop_lets_running_trials_end_and_exits_with_4() -> None:
    process = start("seconds=0.1", "-n", "50", "--runner", "inline")
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    subprocess.run([*SWEEP, "stop", "disturbed"], check=True, capture_output=True)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 4, said
    assert states(load("disturbed")) == {"COMPLETE"}


def test_sweep_stop_now_puts_running_trials_away() -> None:
    process = start("seconds=1", "-n", "50", "--runner", "inline")
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    subprocess.run([*SWEEP, "stop", "disturbed", "--now"], check=True, capture_output=True)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 4
    assert states(load("disturbed")) == {"WAITING"}


@pytest.mark.usefixtures("held")
def test_a_second_driver_is_refused_and_names_the_first() -> None:
    process = start("-n", "50", "--runner", "inline")
    wait_until(process, lambda study: states(study) == {"RUNNING"})
    second = subprocess.run([*SWEEP, "resume", "disturbed"], capture_output=True, text=True, check=False)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 2
    assert f"process {process.pid}" in second.stderr


@pytest.mark.usefixtures("held")
def test_a_killed_driver_is_followed_by_the_next_at_once(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start("-n", "12", "--runner", "inline")
    monkeypatch.delenv("TOY_HELD")
    wait_until(process, lambda study: len(study.table()) >= 1)
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    subprocess.run([*SWEEP, "resume", "disturbed"], check=True, capture_output=True)
    undisturbed = launch_toy(num_trials=12, study="undisturbed").study
    assert figures(load("disturbed").table()) == figures(undisturbed.table())


@pytest.mark.ray
def test_a_killed_driver_leaves_no_process_and_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="kd", dir="/tmp") as folder:  # short: Ray puts sockets into it
        monkeypatch.setenv("TMPDIR", folder)
        process = start("seconds=0.2", "-n", "50", "--runner", "ray", "--workers", "2")
        wait_until(process, lambda study: len(study.table()) >= 1)
        kill_and_expect_nothing_left(process, folder)


@pytest.mark.ray
@pytest.mark.parametrize("seconds", [1.0, pytest.param(2.0, marks=pytest.mark.soak)])
def test_a_driver_killed_while_ray_starts_leaves_no_process_and_no_folder(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    with tempfile.TemporaryDirectory(prefix="kr", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        process = start("seconds=0.2", "-n", "50", "--runner", "ray", "--workers", "2")
        while not list(Path(folder).glob("sweep-*/ray/session_*")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)  # Ray's processes are being started, and make folders
        kill_and_expect_nothing_left(process, folder)


def kill_and_expect_nothing_left(driver: subprocess.Popen[str], folder: str) -> None:
    """kill -9; then neither processes nor folders may be left of a driver that had `folder` for temporary ones."""
    family = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.communicate(timeout=PATIENCE_SECONDS)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    assert alive == []
    assert [process for process in psutil.process_iter() if folder in _traces(process)] == []
    assert [path.name for path in Path(folder).glob("sweep-*")] == []


def _traces(process: psutil.Process) -> str:
    """Where a process runs and what it was called with: agents of Ray overwrite the latter."""
    try:
        return " ".join([process.cwd(), *process.cmdline()])
    except psutil.Error:
        return ""
