"""What all processes of a command use together: processor time, and memory at its peak."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

VARIABLE = "BENCHMARK_RUN"  # in the environment of the command and of all that it starts, also of daemons
LOOK_SECONDS = 1.0


@dataclass
class Usage:
    """What a command used. others: cores that other work of the machine used meanwhile, on average; load: the mean of
    its load average. peak_memory_bytes: the largest sum, memory that several processes share being counted once."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    num_processes: int = 0  # at most, at once
    others: float = 0.0
    load: float = 0.0
    is_cut_off: bool = False
    exit_status: int = 0


@dataclass
class ProcessTree:
    """The processes that carry a mark in their environment."""

    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    _ours: dict[tuple[int, float], bool] = field(default_factory=dict)
    _cpu: dict[tuple[int, float], float] = field(default_factory=dict)

    def processes(self) -> list[psutil.Process]:
        """Those that live now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def look(self) -> tuple[int, int]:
        """Note the processor time so far; returns the memory in bytes and the number of processes."""
        memory, number = 0, 0
        for process in self.processes():
            try:
                used = process.cpu_times()
                self._cpu[process.pid, process.create_time()] = used.user + used.system
                memory += process.memory_full_info().pss
                number += 1
            except psutil.Error:
                continue  # it has just ended
        return memory, number

    @property
    def cpu_seconds(self) -> float:
        """Of all processes that were seen, as they were seen last."""
        return sum(self._cpu.values())

    def kill(self) -> None:
        """End them all."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.Error:
                continue

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            key = process.pid, process.create_time()
            if key not in self._ours:
                self._ours[key] = process.environ().get(VARIABLE) == self.mark
        except psutil.Error:
            return False
        return self._ours[key]


def run_measured(command: Sequence[str], limit_seconds: float, output: Path) -> Usage:
    """Run a command, and end it and everything that it started when it ends or its time is up."""
    tree, usage = ProcessTree(), Usage()
    busy, start, loads = _busy_seconds(), time.monotonic(), []
    with output.open("w") as log:
        process = subprocess.Popen(
            command, env={**os.environ, VARIABLE: tree.mark}, stdout=log, stderr=subprocess.STDOUT
        )
        while process.poll() is None and time.monotonic() < start + limit_seconds:
            memory, number = tree.look()
            usage.peak_memory_bytes = max(usage.peak_memory_bytes, memory)
            usage.num_processes = max(usage.num_processes, number)
            loads.append(os.getloadavg()[0])
            time.sleep(LOOK_SECONDS)
        usage.seconds = time.monotonic() - start
        usage.is_cut_off = process.poll() is None
        busy = _busy_seconds() - busy
        tree.kill()
        usage.exit_status = process.wait()
    usage.cpu_seconds = tree.cpu_seconds
    usage.others = max(0.0, (busy - usage.cpu_seconds) / usage.seconds)
    usage.load = sum(loads) / max(1, len(loads))
    return usage


def _busy_seconds() -> float:
    """Of all cores, since the machine started."""
    times = psutil.cpu_times()
    return times.user + times.system + times.nice
