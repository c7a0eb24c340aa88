"""The machine and the process that a driver runs in: their clock, and which processes are alive there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessIdentity:
    """What tells a process from every other.

    place: the boot of a machine and the process table (namespace) there; empty where that can't be known.
    started: in seconds since boot, as the time of day would jump with the clock.
    """

    place: str
    pid: int
    started: float


class Host:
    """The real one. Everything that a driver needs of its surroundings, so that a simulation can stand in for it."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def keep_doing(self, action: Callable[[], bool], seconds: float) -> Callable[[], None]:
        """Do something every so many seconds, in a thread, while it returns true; returns what ends that."""
        end = threading.Event()

        def keep() -> None:
            while not end.wait(seconds) and action():
                pass

        thread = threading.Thread(target=keep, name="lease", daemon=True)
        thread.start()

        def stop() -> None:
            end.set()
            thread.join(timeout=seconds)

        return stop

    def this_process(self) -> ProcessIdentity:
        """Who this process is."""
        process = psutil.Process()
        return ProcessIdentity(_place(), process.pid, started(process))

    def is_gone(self, other: ProcessIdentity) -> bool:
        """Whether a process is known to have ended: it belongs to our process table, and is not in it any more."""
        if not other.place or other.place != _place() or other.pid == os.getpid():
            return False
        try:
            process = psutil.Process(other.pid)
            is_another = abs(started(process) - other.started) > 1.0  # the number was given again
            return bool(is_another or process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False


HOST = Host()


def started(process: psutil.Process) -> float:
    """When a process started, in seconds since boot."""
    return process.create_time() - psutil.boot_time()


def _place() -> str:
    """The boot and the process table of this process, by Linux's names for them; empty where they can't be known.

    Containers may share a host's name and still have process tables of their own, where the same number is another
    process. `/proc` itself may be that of another process table than ours.
    """
    try:
        if str(Path("/proc/self").readlink()) != str(os.getpid()):
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespaces = [str(Path("/proc/self/ns/pid").readlink())]
        if os.path.lexists("/proc/self/ns/time"):  # since Linux 5.6: it moves the seconds since boot
            namespaces.append(str(Path("/proc/self/ns/time").readlink()))
    except OSError:
        return ""
    return " ".join([boot, *namespaces])
