"""A real Ray cluster on this machine: each node is what `ray start` starts, with a Python and an environment of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

# Ray takes the machine's address in its network even for 127.0.0.1.
_START = (
    "from ray._private import services; services.get_node_ip_address = lambda address=None: '127.0.0.1'; "
    "from ray.scripts.scripts import main; main()"
)
_PATIENCE_SECONDS = 400.0
TOKEN = secrets.token_hex(32)


class Node:
    """One node, until it is killed."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Path) -> None:
        self.process = process
        self.ready = ready

    def kill(self) -> None:
        """All of its processes at once, without asking: as if its plug were pulled."""
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.process.pid)
            for process in [family, *family.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self.process.wait()


class RayCluster:
    """A head, and nodes that are added to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        self.address = f"127.0.0.1:{_free_port()}"

    def start(self, *, cpus: int, gpus: int = 0) -> None:
        """The head, on which drivers stand."""
        port = self.address.rpartition(":")[2]
        self._start("--head", f"--port={port}", "--include-dashboard=false", cpus=cpus, gpus=gpus)

    def add(
        self,
        *,
        cpus: int,
        gpus: int = 0,
        python: Path | str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> Node:
        """Another node; of another Python where one is given, and with changes to its environment."""
        return self._start(
            f"--address={self.address}", cpus=cpus, gpus=gpus, python=python, environment=environment
        )

    def close(self) -> None:
        """End every node."""
        for node in reversed(self._nodes):
            node.kill()

    def _start(
        self,
        *words: str,
        cpus: int,
        gpus: int,
        python: Path | str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> Node:
        log = self._folder / f"node-{len(self._nodes)}.log"
        given = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DISABLE_IMPORT_WARNING": "1",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        }
        ours = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    *(str(python), "-c", _START, "start", *words, "--block", "--node-ip-address=127.0.0.1"),
                    *(f"--num-cpus={cpus}", f"--num-gpus={gpus}", "--object-store-memory=100000000"),
                    *("--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats"),
                    *(("--temp-dir", str(self._folder)) if "--head" in words else ()),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self._folder,
                env={**ours, **given, **(environment or {})},
            )
        node = Node(process, log)
        self._nodes.append(node)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"Ray runtime started" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        return node


@contextlib.contextmanager
def ray_cluster(*, cpus: int, gpus: int = 0) -> Iterator[RayCluster]:
    """A cluster with a head that has so many CPUs and, by its own account, GPUs; this process may join it."""
    from ray._private import services

    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    cluster = RayCluster(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(services, "get_node_ip_address", lambda address=None: "127.0.0.1")
            patch.setenv("RAY_AUTH_MODE", "token")
            patch.setenv("RAY_AUTH_TOKEN", TOKEN)
            cluster.start(cpus=cpus, gpus=gpus)
            yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
