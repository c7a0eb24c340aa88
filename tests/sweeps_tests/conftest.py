"""The command line as people use it, run in this process: words in, words and exit code out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from ruamel.yaml import YAML

from storage.host import Host
from sweeps import RunSettings, StudySettings
from sweeps import launch as launch_study
from sweeps.cli import main
from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.work import Progress
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.cli.dashboards import NUM_TRIALS, Served, serving

T = TypeVar("T")
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Said:
    """What a command wrote. out: stdout, for programs. err: stderr, for people."""

    out: str
    err: str


class Sweep(Protocol):
    """`sweep WORDS`, which must exit with `code`."""

    def __call__(self, *words: str | Path, code: int = 0) -> Said: ...


class Refusal(Protocol):
    """`sweep WORDS`, which must be refused with `code`; the message."""

    def __call__(self, *words: str | Path, code: int = 2) -> str: ...


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Runs a command; an exit code other than the expected one fails the test with what was said."""

    def run(*words: str | Path, code: int = 0) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = Said(*capsys.readouterr())
        assert ended.value.code == code, said.err
        return said

    return run


@pytest.fixture
def launch(sweep: Sweep) -> Sweep:
    """Launches the toy in this process."""

    def run(*words: str | Path, code: int = 0) -> Said:
        given: tuple[str | Path, ...] = (
            () if {"--space", "--space-from"} & set(words) else ("--space", TOY_SPACE)
        )
        return sweep("launch", TOY, "--runner", "inline", *given, *words, code=code)

    return run


@pytest.fixture
def refused(sweep: Sweep, tmp_path: Path) -> Refusal:
    """Runs a command that must be refused: by a message, a traceback only on `--debug`, and no trace."""

    def run(*words: str | Path, code: int = 2) -> str:
        before = contents(tmp_path)
        said = sweep(*words, code=code)
        assert said.out == ""
        assert "Traceback" not in said.err
        debugged = sweep(*words, "--debug", code=code)
        assert "Traceback" in debugged.err or said.err.startswith("Usage:")
        assert contents(tmp_path) == before
        return said.err

    return run


@pytest.fixture
def launch_refused(refused: Refusal) -> Refusal:
    """Launches the toy, which must be refused."""

    def run(*words: str | Path, code: int = 2) -> str:
        given: tuple[str | Path, ...] = (
            () if {"--space", "--space-from"} & set(words) else ("--space", TOY_SPACE)
        )
        return refused("launch", TOY, "--runner", "inline", *given, *words, code=code)

    return run


def read_yaml(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    return config


def contents(folder: Path) -> dict[Path, int | None]:
    """Every folder and file below `folder`, with its last change; of databases only that they are there."""
    return {
        path: None if path.is_dir() or path.suffix == ".db" else path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if not path.name.endswith(("-shm", "-wal"))
    }


def as_ordinary_user(action: Callable[[], T]) -> T:
    """`action` in a thread that permission bits hold for, as they do for everybody but root."""
    with ThreadPoolExecutor(1, initializer=_give_up_privileges) as pool:
        return pool.submit(action).result()


def _give_up_privileges() -> None:
    if sys.platform == "linux" and os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: 64 bits each
        assert ctypes.CDLL(None).capset(header, nothing) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One study for all tests that leave its trials as they are."""
    home = tmp_path_factory.mktemp("dashboard")
    settings = StudySettings(task=TOY, space=TOY_SPACE, overrides=("behaviour=overfits",))
    run = RunSettings(runner="inline", num_trials=NUM_TRIALS, out=str(home / "out"))
    result = launch_study(settings, run, study="curves", storage=f"sqlite:///{home / 'studies.db'}")
    with serving(result.study) as dashboard:
        yield dashboard


class TimeIsUp(Protocol):
    """Within, the time limit of a run is over after so many recorded rounds, however fast the machine is."""

    def __call__(self, *, after_rounds: int) -> contextlib.AbstractContextManager[None]: ...


@pytest.fixture
def time_is_up() -> TimeIsUp:
    """A run that has a time limit keeps to rounds instead of seconds."""

    @contextlib.contextmanager
    def arrange(*, after_rounds: int) -> Iterator[None]:
        recorded: list[int] = []
        record = StudyDriver.record

        def counted(driver: StudyDriver, number: int, progress: Progress) -> Any:
            recorded.append(number)
            return record(driver, number, progress)

        def monotonic(host: Host) -> float:
            return 0.0 if len(recorded) < after_rounds else 1e9

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StudyDriver, "record", counted)
            patch.setattr(Host, "monotonic", monotonic)
            yield

    return arrange


def start_with(slots: int, patch: pytest.MonkeyPatch) -> None:
    """No trial starts before so many slots are there, however long their processes take to start."""
    from sweeps.runners.ray_tune.runner import RayRunner

    serve, deadline = RayRunner._serve, time.monotonic() + 400

    def serve_once_they_are_there(runner: RayRunner, driver: Any, mailbox: Any) -> None:
        assert time.monotonic() < deadline, f"{slots} slots have not come"
        if sum(slot.place is not None for slot in runner._slots.values()) >= slots:
            patch.setattr(RayRunner, "_serve", serve)
            serve(runner, driver, mailbox)

    patch.setattr(RayRunner, "_serve", serve_once_they_are_there)
