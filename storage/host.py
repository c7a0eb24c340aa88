"""The machine and process of a driver: the clock, and which processes are alive."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessIdentity:
    """What identifies a process.

    place: the boot and the process table (namespace) of the machine; empty if unknown. started: in seconds since boot,
    because the time of day can jump.
    """

    place: str
    pid: int
    started: float


class Host:
    """The real machine. Tests can replace it by a simulation."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def time_of_day(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def keep_doing(self, action: Callable[[], bool], seconds: float) -> Callable[[], None]:
        """Call `action` at regular intervals in a thread, while it returns true. Returns a function that ends this."""
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
        """The identity of this process."""
        process = psutil.Process()
        return ProcessIdentity(_place(), process.pid, started(process))

    def is_gone(self, other: ProcessIdentity) -> bool:
        """Whether `other` is known to have ended. That can be known only of processes in our process table."""
        if not other.place or other.place != _place() or other.pid == os.getpid():
            return False
        try:
            process = psutil.Process(other.pid)
            is_another = abs(started(process) - other.started) > 1.0  # another process has the same id now
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
    """The names of this process's boot and process table in Linux; empty if unknown.

    Containers may have the same host name but separate process tables, in which one id means different processes.
    `/proc` may also show another process table than ours.
    """
    try:
        if str(Path("/proc/self").readlink()) != str(os.getpid()):
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespaces = [str(Path("/proc/self/ns/pid").readlink())]
        if os.path.lexists("/proc/self/ns/time"):  # since Linux 5.6, it shifts the seconds since boot
            namespaces.append(str(Path("/proc/self/ns/time").readlink()))
    except OSError:
        return ""
    return " ".join([boot, *namespaces])
