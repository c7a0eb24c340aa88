"""Watches whether Ray places any worker on a node, and ends the run if it places none for too long."""

from __future__ import annotations

import sys
import time

from sweeps.errors import RunBroken
from sweeps.runners.ray_tune.ray_import import ray

NOTE_SECONDS = 60.0  # after this time without any worker, print which resources the workers wait for


class PlaceWatch:
    """Measures the time since there was a worker last; before the first one, since this object was made.

    threads, gpus: what each worker needs. timeout_seconds: the run ends after this time without a worker.
    """

    def __init__(self, threads: int, gpus: float, timeout_seconds: float) -> None:
        self._needs = f"{threads} CPU" + (f" and {gpus:g} GPU" if gpus else "")
        self._timeout_seconds = timeout_seconds
        self._alone_since = time.monotonic()
        self._has_noted = False

    def check(self, has_worker: bool) -> None:
        """If there is no worker, print which resources are missing. Raises RunBroken if this lasts too long."""
        now = time.monotonic()
        if has_worker:
            self._alone_since, self._has_noted = now, False
            return
        if now - self._alone_since > self._timeout_seconds:
            raise RunBroken(
                f"No worker has found a place within {self._timeout_seconds:g} s. Each needs {self._needs}; "
                f"{_free_resources()}. The running trials are paused. Add nodes, wait until others have freed theirs, "
                "or wait longer with --start-timeout SECONDS."
            )
        if now - self._alone_since > NOTE_SECONDS and not self._has_noted:
            self._has_noted = True
            told = f"sweep: no worker has started yet; each needs {self._needs}; {_free_resources()}"
            print(told, file=sys.stderr)


def _free_resources() -> str:
    """How many CPUs and GPUs the nodes have, and how many of them are free, in words."""
    free, there = ray.available_resources(), ray.cluster_resources()
    told = [
        f"{free.get(kind, 0):g} of {there.get(kind, 0):g} {kind}" for kind in ("CPU", "GPU") if kind in there
    ]
    return f"Ray has {' and '.join(told) or 'no CPU'} free"
