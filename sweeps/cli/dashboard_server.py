"""The Optuna dashboard over our database: it reads and takes notes; what would alter a study is refused."""

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
    """`application` with everything but reading and notes answered by 403, and everything that a foreign page asks.

    names: host names that the dashboard is reached by, besides `localhost` and any IP address.
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
    """The body of a request. Closed on unread, the connection would break before the refusal arrives."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal() and len(length) < _DIGITS_OF_A_LENGTH):
        return b""
    body: bytes = environ["wsgi.input"].read(min(int(length), _LONGEST_NOTE))
    return body


def _is_note(environ: dict[str, Any], body: bytes) -> bool:
    """Whether this saves a note. A body that is no text would be stored and break the study's page."""
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
    """Save a note and answer in JSON: the page (0.21) takes the empty answer of the server for a failure."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        if status.startswith("204"):
            status, headers = "200 OK", [("Content-Type", "application/json")]
        return start_response(status, headers, *rest)

    return application(environ, start) or [b"{}"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: a line per request helps nobody."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def make_dashboard(database: Database, host: str, port: int, names: Collection[str] = ()) -> WSGIServer:
    """A server of the dashboard, not yet serving; port 0 for a free one. Raises UsageError if it is taken.

    names: other host names that it is reached by, behind a proxy for instance.
    """
    from optuna_dashboard import wsgi

    application: Any = guarded(wsgi(database.optuna), {host, socket.gethostname(), *names})
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} can't be listened on ({error.strerror}); choose another --port or --host."
        ) from None
