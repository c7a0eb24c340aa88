"""Serves the Optuna dashboard of our database for reading and notes; refuses whatever would change a study."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import re
import socket
from collections.abc import Callable, Collection, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from storage import Database
from sweeps.errors import UsageError

_READING = {"GET", "HEAD", "OPTIONS"}
_NOTES = re.compile(r"/api/studies/[0-9]+(/[0-9]+)?/note/?")
_LONGEST_NOTE = 1 << 20
_LARGEST_VERSION = 1 << 31
_DIGITS_OF_A_LENGTH = 20
_REFUSAL = (
    b'{"reason": "Only the driver of a study writes its trials: use `sweep stop`, `sweep resume` or '
    b'`sweep delete`."}'
)

_OTHER_HOST = (
    b'{"reason": "This dashboard is not reached by that name: use localhost or the address, or start it with '
    b'--allow-host NAME."}'
)

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def guarded(application: WSGIApplication, names: Collection[str] = ()) -> WSGIApplication:
    """`application`, but it refuses (status 403) whatever is neither reading nor a note, and requests of other pages.

    names: host names of the dashboard, besides `localhost` and IP addresses.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_called_by(environ.get("HTTP_HOST", ""), names):
            return _refuse(start_response, _OTHER_HOST)
        if environ["REQUEST_METHOD"] in _READING:
            return application(environ, start_response)
        body = _body(environ)
        if _is_note(environ, body):
            return _saved(application, {**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        return _refuse(start_response, _REFUSAL)

    return answer


def _refuse(start_response: Any, why: bytes) -> Iterable[bytes]:
    start_response("403 Forbidden", [("Content-Type", "application/json")])
    return [why]


def _is_called_by(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this server: by an address, or by a name of ours.

    A page of another site can let its own name point to 127.0.0.1 (DNS rebinding) and then read what is here: but
    its requests tell that name.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return name == "localhost" or name in {each.lower() for each in names}


def _is_from_our_page(environ: dict[str, Any]) -> bool:
    """Whether a request that writes comes from the dashboard's own page, or from a program.

    A page of another site can send a text or a form without being asked; a browser tells its Origin.
    """
    origin, host = environ.get("HTTP_ORIGIN"), environ.get("HTTP_HOST", "")
    site = environ.get("HTTP_SEC_FETCH_SITE", "same-origin")
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    is_ours = origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
    return is_ours and site in ("same-origin", "none") and kind == "application/json"


def _body(environ: dict[str, Any]) -> bytes:
    """The body of a request. It must be read: else the connection breaks before the answer arrives."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal() and len(length) < _DIGITS_OF_A_LENGTH):
        return b""
    body: bytes = environ["wsgi.input"].read(min(int(length), _LONGEST_NOTE))
    return body


def _is_note(environ: dict[str, Any], body: bytes) -> bool:
    """Whether this request saves a note. The note must be text: anything else would break the study's page."""
    if environ["REQUEST_METHOD"] != "PUT" or not _NOTES.fullmatch(environ.get("PATH_INFO", "")):
        return False
    if not _is_from_our_page(environ):
        return False
    try:
        note = json.loads(body)
    except (ValueError, RecursionError):  # RecursionError: 200,000 brackets
        return False
    return (
        isinstance(note, dict)
        and type(note.get("version")) is int
        and abs(note["version"]) <= _LARGEST_VERSION
        and isinstance(note.get("body"), str)
    )


def _saved(application: WSGIApplication, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Save a note and answer with JSON: the dashboard (0.21) takes its own empty answer for a failure."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if status.startswith("204"):
            status, headers = "200 OK", [("Content-Type", "application/json")]
        return start_response(status, headers, *rest)

    return application(environ, start) or [b"{}"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: a line for each request would help nobody."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def make_dashboard(database: Database, host: str, port: int, names: Collection[str] = ()) -> WSGIServer:
    """A server of the dashboard that is not yet serving. Port 0 means any free port.

    Raises UsageError if the port is taken. names: further host names of the dashboard, for example behind a proxy.
    """
    from optuna_dashboard import wsgi

    application: Any = guarded(wsgi(database.optuna), {host, socket.gethostname(), *names})
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UsageError(
            f"The dashboard can't listen on {host}:{port} ({error.strerror}). Choose another --port or --host."
        ) from None
