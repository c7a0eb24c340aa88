"""`--notify`: what is posted when a run ends or goes wrong, and that it harms neither the run nor a secret."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from sweeps.cli import notification
from tests.sweeps_tests.conftest import Refusal, Sweep

SECRET = "t0k3n-5ecret"


class Receiver(HTTPServer):
    """Keeps what is posted. status: its answer. gate: an answer waits until it is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        self.gate = Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/{SECRET}?key={SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append({"path": self.path, **json.loads(body)})
        self.server.gate.wait(30)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()


def test_the_end_of_a_run_is_posted(launch: Sweep, receiver: Receiver) -> None:
    said = launch("-n", "2", "--study", "s", "--notify", receiver.url)
    (told,) = receiver.posted
    assert (told["event"], told["ending"], told["study"]) == ("ended", "complete", "s")
    assert (told["ended"], told["num_trials"], told["path"].split("?")[0]) == (2, 2, f"/hook/{SECRET}")
    assert told["best"]["metric"] == "accuracy"
    assert f"{told['best']['value']:.4g} (trial {told['best']['trial']})" in told["text"]
    assert SECRET not in said.out + said.err + json.dumps({**told, "path": ""})


def test_the_address_is_not_stored(launch: Sweep, receiver: Receiver, tmp_path: Path) -> None:
    launch("-n", "1", "--study", "s", "--notify", receiver.url, "--storage", f"sqlite:///{tmp_path}/n.db")
    with closing(sqlite3.connect(tmp_path / "n.db")) as connection:
        assert not any(SECRET in line for line in connection.iterdump())
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_failures_in_numbers_are_posted_once(launch: Sweep, receiver: Receiver) -> None:
    launch(
        "behaviour=crashes",
        "-n",
        "5",
        "--max-failures",
        "4",
        "--study",
        "s",
        "--notify",
        receiver.url,
        code=3,
    )
    failures, ended = receiver.posted
    assert (failures["event"], failures["reasons"]) == ("failures", {"failed": 3})
    assert (ended["event"], ended["ending"], ended["best"]) == ("ended", "failures", None)


def test_trainings_that_break_down_are_posted_once(launch: Sweep, receiver: Receiver) -> None:
    launch("behaviour=diverges", "-n", "7", "--study", "s", "--notify", receiver.url)
    assert [told["event"] for told in receiver.posted] == ["halts", "ended"]


def test_an_error_of_a_run_is_posted_without_its_text(receiver: Receiver) -> None:
    def run(watcher: Any) -> Any:
        watcher._study = type("Study", (), {"name": "<b>\x1b[31m"})()
        raise RuntimeError(SECRET)

    said: list[str] = []
    with pytest.raises(RuntimeError), notification.notified(run, receiver.url, said.append) as notifying:
        notifying(None)  # type: ignore[arg-type]
    (told,) = receiver.posted
    assert (told["ending"], told["study"], said) == ("error", "<b>\\x1b[31m", [])
    assert SECRET not in told["text"]


@pytest.mark.parametrize(("status", "why"), [(500, "status 500"), (302, "status 302")])
def test_a_refusal_is_told_and_fails_nothing(
    launch: Sweep, receiver: Receiver, status: int, why: str
) -> None:
    receiver.status = status
    said = launch("-n", "1", "--study", "s", "--notify", receiver.url).err
    assert f"The notification to 127.0.0.1 failed: it answered with {why}." in said
    assert SECRET not in said


def test_a_silent_receiver_costs_seconds(
    launch: Sweep, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "SECONDS", 0.2)
    receiver.gate.clear()
    assert "no answer" in launch("-n", "1", "--study", "s", "--notify", receiver.url).err


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "file:///etc/passwd",
        "host",
        "http://",
        "http://u:p@host/",
        "http://host:x/",
        "http://h\n/",
    ],
)
def test_what_is_no_address_is_refused_before_the_run(refused: Refusal, url: str) -> None:
    said = refused("launch", "mnist_mlp", "--notify", url)
    assert "--notify" in said
    assert "u:p" not in said
