"""Whoever reads a SQLite study while it runs, in however many processes, neither fails nor disturbs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sweeps.study.stored_study import Study, load
from tests.conftest import TOY, TOY_SPACE, ToyLauncher
from tests.sweeps_tests.driver.tables import figures

SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]
TIMEOUT_SECONDS = 400.0
COMPARED = 20  # trials: a trial is decided by those before it, so the first ones tell
ENOUGH = 3  # reads of each reader beside the driver
# Each reads until a file is there, or its parent is not, and notes in a file of its own how often it has; an error ends
# it with a traceback.
READING = """
import contextlib, io, os, sys
from pathlib import Path
from sweeps.cli import main

over, reads, parent = Path(sys.argv[1]), 0, os.getppid()
while not over.exists() and os.getppid() == parent:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            main(sys.argv[2:])
        except SystemExit as ended:
            assert ended.code == 0
    assert said.getvalue()
    reads += 1
    Path(f"{over}-{os.getpid()}").write_text(str(reads))
"""
BROWSING = """
import json, os, sys
from pathlib import Path
from urllib.request import urlopen

over, reads, parent = Path(sys.argv[1]), 0, os.getppid()
while not over.exists() and os.getppid() == parent:
    (study,) = json.load(urlopen(sys.argv[2] + "api/studies"))["study_summaries"]
    assert json.load(urlopen(f"{sys.argv[2]}api/studies/{study['study_id']}?after=0"))["trials"]
    reads += 1
    Path(f"{over}-{os.getpid()}").write_text(str(reads))
"""
COMMANDS = ("status", "status watched", "trials watched -f json", "best watched -f json")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process, with a group of its own so that all of it can be ended; every one ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def first_trials(driver: subprocess.Popen[str]) -> Study:
    """The study, as soon as it has something to read."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        with suppress(Exception):  # not created yet
            study = load("watched")
            study.best()
            return study
    driver.kill()
    raise AssertionError(driver.communicate()[1])


def start_dashboard(start: Start) -> str:
    """Serves the dashboard; returns where."""
    dashboard = start(*SWEEP, "dashboard", "--port", "0")
    assert dashboard.stderr is not None
    said = dashboard.stderr.readline()
    assert "http://" in said, said + dashboard.stderr.read()
    return re.findall(r"http://\S+/", said)[0]


def start_readers(start: Start, num_readers: int, over: Path) -> list[subprocess.Popen[str]]:
    """So many processes in all: the dashboard and one that browses it, one that watches, and commands in turn."""
    url = start_dashboard(start)
    browsing = start(sys.executable, "-c", BROWSING, str(over), url)
    watching = start(*SWEEP, "status", "watched", "--watch", "-f", "json")
    commands = [COMMANDS[k % len(COMMANDS)].split() for k in range(num_readers - 3)]
    reading = [start(sys.executable, "-c", READING, str(over), *words) for words in commands]
    return [watching, browsing, *reading]


def _let_them_read(
    driver: subprocess.Popen[str],
    readers: list[subprocess.Popen[str]],
    study: Study,
    over: Path,
    until: float,
) -> None:
    """Until each reader has read often enough, and the study has the trials that are compared."""

    def reads(reader: subprocess.Popen[str]) -> int:
        note = Path(f"{over}-{reader.pid}")
        return int(note.read_text() or 0) if note.exists() else 0

    while (
        time.monotonic() < until
        or len(study.table()) < COMPARED
        or any(reads(each) < ENOUGH for each in readers)
    ):
        assert driver.poll() is None
        assert all(each.poll() is None for each in readers), [each.args for each in readers if each.poll()]
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("runner", "num_readers", "seconds"),
    [
        (["inline"], 7, 0),
        pytest.param(["ray", "--workers", "2"], 16, 300, marks=[pytest.mark.soak, pytest.mark.ray]),
    ],
)
def test_readers_meet_no_lock_and_leave_the_study_as_it_would_be(
    start: Start, launch_toy: ToyLauncher, tmp_path: Path, runner: list[str], num_readers: int, seconds: int
) -> None:
    launch = ["launch", TOY, "--space", str(TOY_SPACE), "--study", "watched", "-n", "1000000"]
    driver = start(*SWEEP, *launch, "--runner", *runner)
    study, over = first_trials(driver), tmp_path / "over"
    readers = start_readers(start, num_readers, over)
    _let_them_read(driver, readers[1:], study, over, time.monotonic() + seconds)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate()
    assert driver.returncode == 130, said
    assert "database" not in said
    over.touch()
    for reader in readers:
        _, failure = reader.communicate()
        assert (reader.returncode, failure) == (0, ""), reader.args
    undisturbed = launch_toy(num_trials=COMPARED, study="undisturbed").study
    assert figures(study, COMPARED) == figures(undisturbed)
