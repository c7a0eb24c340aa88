"""The Optuna dashboard over our database: it reads and takes notes; what would alter a study is refused."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from storage import Database
from sweeps.errors import UsageError

_READING = {"GET", "HEAD", "OPTIONS"}
_NOTES = re.compile(r"/api/studies/[0-9]+(/[0-9]+)?/note/?")
_LONGEST_NOTE = 1 << 20
_REFUSAL = (
    b'{"reason": "Only the driver of a study writes its trials: use `sweep stop`, `sweep resume` or '
    b'`sweep delete`."}'
)

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def guarded(application: WSGIApplication) -> WSGIApplication:
    """`application` with everything but reading and notes answered by 403."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in _READING:
            return application(environ, start_response)
        body = _body(environ)
        if _is_note(environ, body):
            return _saved(application, {**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [_REFUSAL]

    return answer


def _body(environ: dict[str, Any]) -> bytes:
    """The body of a request. Closed on unread, the connection would break before the refusal arrives."""
    length = environ.get("CONTENT_LENGTH") or "0"
    body: bytes = environ["wsgi.input"].read(min(int(length), _LONGEST_NOTE)) if length.isdecimal() else b""
    return body


def _is_note(environ: dict[str, Any], body: bytes) -> bool:
    """Whether this saves a note. A body that is no text would be stored and break the study's page."""
    if environ["REQUEST_METHOD"] != "PUT" or not _NOTES.fullmatch(environ.get("PATH_INFO", "")):
        return False
    try:
        note = json.loads(body)
    except ValueError:
        return False
    return isinstance(note, dict) and type(note.get("version")) is int and isinstance(note.get("body"), str)


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


def make_dashboard(database: Database, host: str, port: int) -> WSGIServer:
    """A server of the dashboard, not yet serving; port 0 for a free one. Raises UsageError if it is taken."""
    from optuna_dashboard import wsgi

    application: Any = guarded(wsgi(database.optuna))
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} can't be listened on ({error.strerror}); choose another --port or --host."
        ) from None
