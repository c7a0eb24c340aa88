"""A small process that cleans up when its driver was killed: Ray leaves agents and a folder behind then.

It is started as a script with the folder's name, told process numbers line by line on its standard input, and
acts when that ends. A driver that ends in order has cleaned up by itself; then nothing is left to do.
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

PATIENCE_SECONDS = 60.0
SETTLED_SECONDS = 3.0  # for so long nobody has written to the folder again


class Caretaker:
    """The driver's side: `watch` processes, and `dismiss` once everything is cleaned up."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # whoever reads what a killed driver said need not wait for it
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )

    def watch(self, processes: Iterable[psutil.Process]) -> None:
        """End these too, should the driver be killed."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.writelines(f"{process.pid}\n" for process in processes)
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """Let it end."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=10)


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """End processes and what they have started, without asking."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for child in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.Error):
                    child.kill()


def _main(folder: Path) -> None:
    watched = []
    for line in sys.stdin:  # until the driver closes it, or is gone
        with contextlib.suppress(psutil.Error):
            watched.append(psutil.Process(int(line)))
    kill_all(process for process in watched if process.is_running())
    start = last_seen = time.monotonic()
    while time.monotonic() < min(last_seen + SETTLED_SECONDS, start + PATIENCE_SECONDS):
        left = _started_for(folder)
        kill_all(left)
        if left or folder.exists():  # Ray's workers write to it for some seconds more
            last_seen = time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.2)


def _started_for(folder: Path) -> list[psutil.Process]:
    """Processes that name the folder or run in it: Ray's own, also those of a driver killed while it started Ray.

    Ray's agents overwrite their command line, but they still run where the driver stood when it started Ray.
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
