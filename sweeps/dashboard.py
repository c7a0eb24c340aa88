"""The Optuna dashboard over our database: it reads and takes notes; what would alter a study is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from storage import Database
from sweeps.errors import UsageError

_READING = {"GET", "HEAD", "OPTIONS"}
_NOTES = re.compile(r"^/api/studies/\d+(/\d+)?/note/?$")
_REFUSAL = (
    b'{"reason": "Only the driver of a study writes its trials: use `sweep stop`, `sweep resume` or '
    b'`sweep delete`."}'
)

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def guarded(application: WSGIApplication) -> WSGIApplication:
    """`application` with everything but reading and notes answered by 403."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if method in _READING or (method == "PUT" and _NOTES.match(path)):
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [_REFUSAL]

    return answer


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
            f"{host}:{port} can't be listened on ({error.strerror}); choose another --port."
        ) from None
