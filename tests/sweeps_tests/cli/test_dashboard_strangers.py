"""The dashboard answers its own page and programs on purpose; pages of other sites can neither read nor write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sweeps.cli.dashboard_server import guarded, is_loopback
from tests.sweeps_tests.cli.dashboards import Served

NOTE = "/api/studies/1/note"
BODY = {"version": 99, "body": "a note"}


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "evil.example", "", "localhost.evil.example", "[", "2130706433"]
)
def test_a_name_that_is_not_ours_is_not_served(served: Served, host: str) -> None:
    for method, path in (("GET", "/api/studies"), ("PUT", NOTE), ("GET", "/dashboard")):
        status, said = served.ask(method, path, BODY, Host=host)
        assert status == 403
        assert "--allow-host" in said


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80", "192.0.2.7", "LOCALHOST."]
)
def test_addresses_and_localhost_are_served(served: Served, host: str) -> None:
    assert served.ask("GET", "/api/studies", Host=host)[0] == 200


def test_a_name_that_was_allowed_is_served() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        yield b"served"

    environ = {"REQUEST_METHOD": "GET", "HTTP_HOST": "Sweeps.example:80"}
    assert list(guarded(application, {"sweeps.EXAMPLE"})(environ, None)) == [b"served"]


FOREIGN = {
    "of another site": {"Origin": "http://evil.example"},
    "of another port": {"Origin": "http://127.0.0.1:1"},
    "of no site": {"Origin": "null"},
    "told by the browser": {"Sec_Fetch_Site": "cross-site"},
    "of a text": {"Content_Type": "text/plain"},
    "of a form": {"Content_Type": "application/x-www-form-urlencoded"},
    "of no kind": {"Content_Type": ""},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_note_from_a_foreign_page_is_refused(served: Served, headers: dict[str, str]) -> None:
    before = served.stored()
    assert served.ask("PUT", NOTE, BODY, **headers)[0] == 403
    assert not served.stored() ^ before


def test_a_note_from_its_own_page_gets_through(served: Served) -> None:
    ours = {
        "Origin": served.url,
        "Sec_Fetch_Site": "same-origin",
        "Content_Type": "application/json; charset=utf-8",
    }
    assert served.ask("PUT", NOTE, BODY, **ours)[0] in (200, 409)  # 409: another version is there


HOSTILE = {
    "brackets": b"[" * 200_000,
    "brackets in a note": b'{"version": 1, "body": ' + b"[" * 200_000,
    "a version without end": b'{"version": 1' + b"0" * 4000 + b', "body": "x"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_note_is_refused_and_the_dashboard_goes_on(served: Served, body: bytes) -> None:
    assert served.ask("PUT", NOTE, body)[0] == 403
    assert served.ask("GET", "/api/studies")[0] == 200


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "٣", "x"])
def test_a_length_that_is_none_is_refused(served: Served, length: str) -> None:
    environ = {"REQUEST_METHOD": "PUT", "HTTP_HOST": "localhost", "PATH_INFO": NOTE, "CONTENT_LENGTH": length}
    said: list[str] = []
    guarded(lambda *_: [])(environ, lambda status, headers: said.append(status))
    assert said == ["403 Forbidden"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_only_the_loopback_is_this_machine_s_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
