"""Determinism as in a worker: one thread, deterministic algorithms; no server but on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from objectives.training.loop import make_deterministic


@pytest.fixture(autouse=True, scope="session")
def _deterministic() -> None:
    make_deterministic(threads=1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """Of a port of this machine that is taken, but where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
