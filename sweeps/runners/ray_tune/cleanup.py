"""A small process that cleans up if the driver is killed, because Ray then leaves processes and a folder.

It is started as a script with the folder's name. It reads process ids from its standard input, one in each line, and
cleans up when the input ends. A driver that ends normally has cleaned up itself, so nothing is left to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

TIMEOUT_SECONDS = 60.0
SETTLED_SECONDS = 3.0  # the folder is removed when nothing was written to it for this time


class CleanupProcess:
    """The cleanup process as the driver sees it: `watch` adds processes to kill, `dismiss` ends the cleanup process."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # else a reader of the driver's output would wait for this process to end
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal must not reach it
        )

    def watch(self, processes: Iterable[psutil.Process]) -> None:
        """Kill these processes, too, if the driver is killed."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.writelines(f"{process.pid}\n" for process in processes)
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """End the cleanup process."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=10)


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill processes and their children."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for child in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.Error):
                    child.kill()


def _main(folder: Path) -> None:
    watched = []
    for line in sys.stdin:  # waits until the driver closes it or dies
        with contextlib.suppress(psutil.Error):
            watched.append(psutil.Process(int(line)))
    kill_all(process for process in watched if process.is_running())
    start = last_seen = time.monotonic()
    while time.monotonic() < min(last_seen + SETTLED_SECONDS, start + TIMEOUT_SECONDS):
        left = _started_for(folder)
        kill_all(left)
        if left or folder.exists():  # Ray's workers write to it for some seconds more
            last_seen = time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.2)


def _started_for(folder: Path) -> list[psutil.Process]:
    """Processes of Ray that name the folder or run in it, even if the driver was killed while it started Ray.

    Ray's agents overwrite their command line, but their working directory is that of the driver when it started Ray.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(
                str(folder) in word for word in [process.cwd(), *process.cmdline()]
            ):
                found.append(process)
    return found


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
