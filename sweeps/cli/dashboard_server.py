"""Serves the Optuna dashboard of our database for reading and notes; refuses whatever would change a study."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import re
import socket
from collections.abc import Callable, Collection, Iterable
from functools import partial
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from storage import Database
from sweeps.errors import UsageError

if TYPE_CHECKING:
    from sweeps.study.stored_study import Study

_READING = {"GET", "HEAD", "OPTIONS"}
_NOTES = re.compile(r"/api/studies/[0-9]+(/[0-9]+)?/note/?")
_LONGEST_NOTE = 1 << 20  # bytes
_LARGEST_VERSION = 1 << 31
_DIGITS_OF_A_LENGTH = 20
_STUDY = re.compile(r"/api/studies/([0-9]+)/?")
_STUDIES = re.compile(r"/api/studies/?")
_PICTURE = re.compile(r"/pictures/([0-9]+)/([0-9]+)\.svg")
_REFUSED_BUTTONS = b"""<style>
button[aria-label="delete study"], button[aria-label="rename study"], button[aria-label="delete artifact"],
button[aria-label="skip trial"] { display: none !important; }
</style></head>"""
_REFUSAL = (
    b'{"reason": "This dashboard is read-only, except for notes. Only the driver of a study writes its trials: use '
    b'`sweep stop`, `sweep resume` or `sweep delete`."}'
)

_OTHER_HOST = (
    b'{"reason": "This dashboard does not answer requests for that host name: use localhost or the IP address, or '
    b'start it with --allow-host NAME."}'
)

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def guarded(application: WSGIApplication, names: Collection[str] = ()) -> WSGIApplication:
    """Wrap `application`, so that it only answers requests that read, and requests that save a note.

    It refuses with status 403: any other request, a note from a page of another site, and a request for a host name
    that is neither in `names` nor `localhost` nor an IP address.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_called_by(environ.get("HTTP_HOST", ""), names):
            return _refuse(start_response, _OTHER_HOST)
        if environ["REQUEST_METHOD"] in _READING:
            return application(environ, start_response)
        body = _body(environ)
        if _is_note(environ, body):
            return _saved(application, _with_body(environ, _own_part(body)), start_response)
        return _refuse(start_response, _REFUSAL)

    return answer


def explained(application: WSGIApplication, database: Database) -> WSGIApplication:
    """Wrap `application`: its answers about studies get our notes and plots, and it also serves trial pictures."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if found := _PICTURE.fullmatch(path):
            return _picture(database, int(found[1]), int(found[2]), start_response)
        of_study = _STUDY.fullmatch(path)
        if method == "GET" and _STUDIES.fullmatch(path):
            return _changed(application, _uncompressed(environ), start_response, partial(_listed, database))
        is_page = path == "/dashboard" or path.startswith("/dashboard/")
        if method != "GET" or not (of_study or is_page):
            return application(environ, start_response)
        return _changed(
            application, _uncompressed(environ), start_response, partial(_told, database, of_study)
        )

    return answer


def _uncompressed(environ: dict[str, Any]) -> dict[str, Any]:
    """The request, for an answer that can be changed."""
    return {key: value for key, value in environ.items() if key != "HTTP_ACCEPT_ENCODING"}


def _listed(database: Database, body: bytes) -> bytes:
    from sweeps.report.dashboard.study_list import with_progress

    return json.dumps(with_progress(json.loads(body), database)).encode()


def _told(database: Database, of_study: re.Match[str] | None, body: bytes) -> bytes:
    if of_study is None:
        return body.replace(b"</head>", _REFUSED_BUTTONS, 1)
    from sweeps.report.dashboard.answers import with_our_part

    study = _study(database, int(of_study[1]))
    return body if study is None else json.dumps(with_our_part(json.loads(body), study)).encode()


def _changed(
    application: WSGIApplication,
    environ: dict[str, Any],
    start_response: Any,
    change: Callable[[bytes], bytes],
) -> Iterable[bytes]:
    """The application's answer. If its status is 200, its body is replaced by `change(body)`."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> None:
        begun.append((status, headers))

    body = b"".join(application(environ, start))
    status, headers = begun[-1]
    if status.startswith("200"):
        body = change(body)
        headers = [header for header in headers if header[0].lower() != "content-length"]
        headers.append(("Content-Length", str(len(body))))
    start_response(status, headers)
    return [body]


def _study(database: Database, study_id: int) -> Study | None:
    from storage.studies import list_studies
    from sweeps.study.stored_study import Study

    row = next((row for row in list_studies(database) if row.study_id == study_id), None)
    return None if row is None else Study(database, row)


def _picture(database: Database, study_id: int, number: int, start_response: Any) -> Iterable[bytes]:
    from sweeps.report.dashboard.plots import trial_svg

    study, drawn = _study(database, study_id), None
    with contextlib.suppress(UsageError):
        drawn = None if study is None else trial_svg(study, number)
    if drawn is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such picture"]
    start_response("200 OK", [("Content-Type", "image/svg+xml"), ("Cache-Control", "no-store")])
    return [drawn.encode()]


def _own_part(body: bytes) -> bytes:
    """The JSON of a note that the user saves, without the text that we put above the user's own."""
    from sweeps.report.dashboard.notes import own_note

    note = json.loads(body)
    return json.dumps({**note, "body": own_note(note["body"])}).encode()


def _with_body(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def _refuse(start_response: Any, why: bytes) -> Iterable[bytes]:
    start_response("403 Forbidden", [("Content-Type", "application/json")])
    return [why]


def _is_called_by(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this server: an IP address, `localhost` or one of `names`.

    A page of another site can let its own host name point to 127.0.0.1 (DNS rebinding), and then read this server's
    answers. But the Host header of its requests has that other name.
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

    A page of another site can make the browser send text or a form to this server. The browser then names that site
    in the Origin header.
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
    """Save a note and answer with JSON, because the dashboard's page (0.21) treats the empty answer as a failure."""

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

    application: Any = guarded(
        explained(wsgi(database.optuna), database), {host, socket.gethostname(), *names}
    )
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UsageError(
            f"The dashboard can't listen on {host}:{port} ({error.strerror}). Choose another --port or --host."
        ) from None
