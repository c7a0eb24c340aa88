"""Starts Ray on this machine, or joins an existing cluster, and cleans up afterwards."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from sweeps import paths
from sweeps.driver.termination import Termination
from sweeps.errors import SweepError, UsageError
from sweeps.runners.ray_tune.cleanup import CleanupProcess, kill_all
from sweeps.runners.ray_tune.ray_import import (
    asks_for_token,
    hush,
    in_groups_of_their_own,
    private,
    ray,
    read_authentication_again,
    without_signal_handlers,
)
from sweeps.runners.ray_tune.start_signals import ended_by_signals


@contextlib.contextmanager
def ray_session(address: str | None, num_cpus: int, termination: Termination) -> Iterator[Path]:
    """Start or join Ray; yields a temporary folder. Afterwards no process and no file that this made is left.

    address: an existing cluster, which keeps running; None to start Ray with at least `num_cpus` CPUs.
    Raises UsageError if no cluster answers, SweepError if Ray can't be started.
    """
    folder = short_folder()
    cleanup_process = CleanupProcess(folder)
    others = set(psutil.Process().children(recursive=True))
    ours: set[psutil.Process] = set()

    def leave_nothing() -> None:
        kill_all(ours | (set(psutil.Process().children(recursive=True)) - others))
        shutil.rmtree(folder, ignore_errors=True)
        cleanup_process.dismiss()

    termination.at_second_signal = leave_nothing
    given = contextlib.ExitStack()
    try:
        try:
            with (
                ended_by_signals(leave_nothing),
                _standing_in(folder),
                without_secrets(),
                without_signal_handlers(),
                in_groups_of_their_own(),
            ):
                if address is None:
                    given.enter_context(private())
                    _start(folder, num_cpus, termination)
                else:
                    _join(address)
        except SweepError as error:
            termination.raise_if_interrupted(error)  # the signal may have reached Ray's processes, too
            raise
        ours |= set(psutil.Process().children(recursive=True)) - others
        cleanup_process.watch(ours)
        termination.raise_if_interrupted()
        hush()
        yield folder
    finally:
        ray.shutdown()
        given.close()
        leave_nothing()
        termination.at_second_signal = lambda: None


# The longest path that Ray makes below its folder. The path of a socket may have 107 bytes at most.
_LONGEST_BELOW = "/ray2/session_2026-11-26_21-48-54_123456_4194304/sockets/plasma_store.12"
_LONGEST_FOLDER = 107 - len(_LONGEST_BELOW)


def short_folder() -> Path:
    """A new folder for Ray's files: in TMPDIR, or in another place if the paths of Ray's sockets would be too long.

    Raises SweepError if there is no such place.
    """
    places = [tempfile.gettempdir(), "/tmp", os.environ.get("XDG_RUNTIME_DIR"), "/var/tmp", "/dev/shm"]
    for place in places:
        if place and len(os.fsencode(Path(place) / "sweep-12345678")) <= _LONGEST_FOLDER:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="sweep-", dir=place))
    raise SweepError(
        f"Ray needs a folder with a short path for its sockets, and TMPDIR ({tempfile.gettempdir()}) is longer than "
        f"{_LONGEST_FOLDER - 15} characters. Set TMPDIR to a shorter path, or use --runner inline."
    )


@contextlib.contextmanager
def without_secrets() -> Iterator[None]:
    """Processes started in this context do not get the URL of the database, which may contain a password."""
    storage = os.environ.pop(paths.STORAGE_VARIABLE, None)
    try:
        yield
    finally:
        if storage is not None:
            os.environ[paths.STORAGE_VARIABLE] = storage


STARTS = 3
_KEPT_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}


def _start(folder: Path, num_cpus: int, termination: Termination) -> None:
    """Start Ray. Try once more if it was too slow, because Ray waits only 30 s for its own processes."""
    for start in range(STARTS):
        try:
            ray.init(
                address="local",  # even if RAY_ADDRESS is set
                num_cpus=max(num_cpus, os.cpu_count() or 1),
                include_dashboard=False,
                object_store_memory=128 * 1024 * 1024,
                _temp_dir=str(folder / f"ray{start or ''}"),
                **_KEPT_QUIET,
            )
        except Exception as error:
            ray.shutdown()
            if "timed out" in str(error) and start + 1 < STARTS and not termination.signal_number:
                continue
            why = str(error).strip().rstrip(".")
            raise SweepError(
                f"Ray could not be started: {why}. To train without Ray, use --runner inline."
            ) from error
        return


def _join(address: str) -> None:
    read_authentication_again()
    try:
        ray.init(address=address, **_KEPT_QUIET)
    except ray.exceptions.AuthenticationError as error:
        raise UsageError(
            f"--address {address}: the cluster requires a token. Set RAY_AUTH_MODE=token, and put the head's token "
            "into ~/.ray/auth_token or RAY_AUTH_TOKEN."
        ) from error
    except Exception as error:
        why = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
        raise UsageError(
            f"--address {address}: the Ray cluster there can't be used ({why}). The command must run on a node of the "
            "cluster, with the same versions of Python and Ray. `ray start --head` starts a cluster; "
            "`ray start --address=HOST:PORT` adds a machine to it."
        ) from error
    if not asks_for_token():
        print(
            f"sweep: the Ray cluster at {address} requires no token, so everybody who can reach its ports can run code "
            "on its machines. To require one, set RAY_AUTH_MODE=token before `ray start`.",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _standing_in(folder: Path) -> Iterator[None]:
    """Make `folder` the working directory inside this context.

    Ray puts the driver's working directory on the workers' import path, where a folder called `storage` would hide our
    package.
    """
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
