"""A dashboard that is up, and what it says to a client."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import pytest

from sweeps.cli.dashboard_server import make_dashboard
from sweeps.study.stored_study import Study

NUM_TRIALS = 16
NUM_ROUNDS = 8  # what the overfitting toy runs before it is halted


@dataclass(frozen=True)
class Served:
    """A study whose dashboard is up."""

    study: Study
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and body of the answer; method and path go out as they are, no redirect is followed."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            sent = {
                "Content-Type": "application/json",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            }
            connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def get(self, path: str) -> Any:
        """An answer as a browser parses it: NaN is no JSON."""
        status, text = self.ask("GET", path)
        assert status == 200, text
        return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    def stored(self) -> set[str]:
        """Every row of the database, as SQL."""
        with closing(sqlite3.connect(str(self.study.database.url.database))) as connection:
            return set(connection.iterdump())


@contextmanager
def serving(study: Study) -> Iterator[Served]:
    with make_dashboard(study.database, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Served(study, server.server_port)
        finally:
            server.shutdown()
            thread.join()
