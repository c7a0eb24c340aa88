"""Two drivers of one study, as real processes: one that sleeps too long has lost it, one that lives is left alone."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from storage.leases import holder
from storage.rounds import all_rounds
from sweeps.study.stored_study import load
from tests.conftest import TOY, TOY_SPACE, ToyLauncher, missing
from tests.sweeps_tests.driver.tables import figures
from tests.sweeps_tests.driver.test_interrupts import (
    PATIENCE_SECONDS,
    RUNNERS,
    SWEEP,
    start,
    states,
    wait_until,
)

SLOW = "seconds=0.4"
OWN_PROCESS_TABLE = ["unshare", "-p", "-f", "--mount-proc"]


def num_rounds(name: str = "disturbed") -> int:
    study = load(name)
    return len(all_rounds(study.database, study.row.study_id))


def stopped_in_midst(*words: str) -> subprocess.Popen[str]:
    """A driver that was stopped after its first round, as by Ctrl-Z or a suspended machine."""
    driver = start(SLOW, *words)
    wait_until(driver, lambda study: num_rounds() >= 1)
    driver.send_signal(signal.SIGSTOP)
    return driver


def sweep(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*SWEEP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wake(driver: subprocess.Popen[str]) -> str:
    """Let it go on; what it says at its end."""
    driver.send_signal(signal.SIGCONT)
    _, said = driver.communicate(timeout=PATIENCE_SECONDS)
    assert driver.returncode == 1, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_driver_that_slept_longer_than_its_lease_writes_nothing_more(
    launch_toy: ToyLauncher, runner: list[str]
) -> None:
    driver = stopped_in_midst("-n", "3", *runner)
    before = num_rounds()
    successor = sweep("resume", "disturbed", "--runner", "inline")
    wait_until(successor, lambda study: num_rounds() > before)
    assert "Another process has taken over this study: " in wake(driver)
    _, said = successor.communicate(timeout=PATIENCE_SECONDS)
    assert successor.returncode == 0, said
    assert states(load("disturbed")) == {"COMPLETE"}
    undisturbed = launch_toy(SLOW, num_trials=3, study="undisturbed").study
    assert figures(load("disturbed")) == figures(undisturbed)


def test_a_driver_whose_study_was_deleted_writes_into_no_other(launch_toy: ToyLauncher) -> None:
    driver = stopped_in_midst("-n", "3", "--runner", "inline")
    subprocess.run([*SWEEP, "delete", "disturbed", "--yes"], check=True, capture_output=True)
    launch = ["launch", TOY, "--space", str(TOY_SPACE), SLOW, "--runner", "inline", "-n", "2", "--seed", "7"]
    other = sweep(*launch, "--study", "disturbed")  # of the same name, even
    wait_until(other, lambda study: num_rounds() >= 1)
    assert "This study was deleted" in wake(driver)
    _, said = other.communicate(timeout=PATIENCE_SECONDS)
    assert other.returncode == 0, said
    undisturbed = launch_toy(SLOW, num_trials=2, seed=7, study="undisturbed").study
    assert figures(load("disturbed")) == figures(undisturbed)
    assert weights(load("disturbed").out) == weights(undisturbed.out)


def weights(out: Path) -> set[tuple[str, bytes]]:
    return {(path.name, path.read_bytes()) for path in (out / "weights").iterdir()}


def test_a_driver_in_another_process_table_is_not_taken_for_dead() -> None:
    """Containers that share a host's name each have a process of any number, or none."""
    tried = subprocess.run([*OWN_PROCESS_TABLE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing("unshare", f"needs a process table of its own: {tried.stderr.strip()}")
    driver = start(SLOW, "-n", "50", "--runner", "inline")
    try:
        wait_until(driver, lambda study: num_rounds() >= 1)
        for words in (["resume", "disturbed"], ["delete", "disturbed", "--yes"]):
            second = [*OWN_PROCESS_TABLE, *SWEEP, *words]
            done = subprocess.run(second, capture_output=True, text=True, check=False)
            assert done.returncode == 2, done.stderr
            assert f"process {driver.pid}" in done.stderr
        second = [*OWN_PROCESS_TABLE, *SWEEP, "stop", "disturbed"]
        done = subprocess.run(second, capture_output=True, text=True, check=True)
        assert f"process {driver.pid}" in done.stderr
    finally:
        _, said = driver.communicate(timeout=PATIENCE_SECONDS)
    assert driver.returncode == 4, said
    study = load("disturbed")
    assert holder(study.database, study.row.study_id) is None
