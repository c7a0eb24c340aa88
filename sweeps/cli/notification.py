"""`--notify`: posts a small JSON object when a study ends, and when many of its trials fail or break down.

A notification that fails never stops a study: it is sent from another thread, with a time limit, and the run prints one
line about the failure at its end. The address may be a secret, so it is not stored, and only its host is shown.
"""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from sweeps.driver.observer import Standing
from sweeps.errors import UsageError
from sweeps.printable import printable
from sweeps.trial.verdict import SPOILT, End

if TYPE_CHECKING:
    from objectives import Round
    from sweeps.launching import Launch, Watcher
    from sweeps.study.stored_study import Study
    from sweeps.sweep import Result
    from sweeps.trial.work import Assignment

SECONDS = 5.0  # time limit of one notification, and of all that are still to be sent when the run is over
MANY_FAILED = 3
MANY_SPOILT = 5  # trials whose training broke down; they must also be at least half of the ended trials


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Treat a redirect as an error: the message is meant for the given address only."""


class Webhook:
    """Posts JSON to an address in the background. Raises UsageError if `url` is not an HTTP address."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = None, None
        if parts is None or parts.scheme not in ("http", "https") or not host or not url.isprintable():
            raise UsageError("--notify must be an address that begins with http:// or https://.")
        if parts.username is not None or parts.password is not None:
            raise UsageError(
                "--notify can't have a user or a password before the host. Put a token into the path."
            )
        self.host = printable(host)
        self.failure: str | None = None
        self._url = url
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._sender = threading.Thread(target=self._send_all, daemon=True)
        self._sender.start()

    def post(self, message: dict[str, Any]) -> None:
        """Put `message` into the queue of the sending thread, and return at once."""
        self._waiting.put(message)

    def close(self) -> None:
        """Wait, at most a few seconds, until all messages are sent."""
        self._waiting.put(None)
        self._sender.join(SECONDS + 1)
        if self._sender.is_alive():
            self.failure = f"no answer within {SECONDS:g} s"

    def _send_all(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                self._send(message)
            except HTTPError as error:
                self.failure = f"it answered with status {error.code}"
            except (OSError, HTTPException, ValueError) as error:
                reason = error.reason if isinstance(error, URLError) else error
                self.failure = (
                    "no answer in time" if isinstance(reason, TimeoutError) else type(reason).__name__
                )

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, allow_nan=False).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "onset-sweeps"}
        request = Request(self._url, body, headers, method="POST")
        with build_opener(_NoRedirects).open(request, timeout=SECONDS):
            pass


class Notifying:
    """A watcher that passes each event on to another, and posts to the webhook when many trials fail or break down."""

    def __init__(self, watcher: Watcher, webhook: Webhook) -> None:
        self._watcher, self._webhook = watcher, webhook
        self._begun = time.monotonic()
        self._study: Study | None = None
        self._standing = Standing(0, 0, None)
        self._reasons: Counter[str] = Counter()
        self._told: set[str] = set()

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """Remember the study, and pass the event on."""
        self._study, self._standing = study, standing
        self._watcher.begins(launching, study, standing)

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Pass the event on."""
        self._watcher.started(assignment, again=again)

    def recorded(self, number: int, latest: Round) -> None:
        """Pass the event on."""
        self._watcher.recorded(number, latest)

    def paused(self, number: int) -> None:
        """Pass the event on."""
        self._watcher.paused(number)

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Count how trials end. Post once if many have failed, and once if the training of many has broken down."""
        self._watcher.ended(number, end, num_rounds, standing)
        self._standing = standing
        self._reasons["failed" if end.state == "FAIL" else end.stop_reason] += 1
        spoilt = sum(self._reasons[reason] for reason in SPOILT)
        if self._reasons["failed"] >= MANY_FAILED:
            self._tell_once("failures", f"{self._reasons['failed']} trials have failed")
        if spoilt >= MANY_SPOILT and 2 * spoilt >= self._reasons.total():
            self._tell_once(
                "halts",
                f"{spoilt} of {self._reasons.total()} trials were halted because their training broke down",
            )

    def tell_ending(self, ending: str) -> None:
        """Post that the run is over, unless it never began. ending: such as `complete` or `interrupted`."""
        self._tell_once("ended", f"the run has ended ({ending})", ending=ending)

    def _tell_once(self, event: str, what: str, **more: str) -> None:
        if self._study is None or event in self._told:
            return
        self._told.add(event)
        name, standing, best = printable(self._study.name), self._standing, self._best()
        shown = (
            ""
            if best is None
            else f" Best validation {best['metric']}: {best['value']:.4g} (trial {best['trial']})."
        )
        self._webhook.post(
            {
                "event": event,
                **more,
                "study": name,
                "text": f"{name}: {what}. {standing.ended} of {standing.num_trials} trials have ended.{shown}",
                "ended": standing.ended,
                "num_trials": standing.num_trials,
                "reasons": dict(self._reasons),
                "best": best,
                "seconds": round(time.monotonic() - self._begun, 1),
            }
        )

    def _best(self) -> dict[str, Any] | None:
        best, study = self._standing.best, self._study
        if best is None or study is None or best.value is None or not math.isfinite(best.value):
            return None
        return {"trial": best.number, "value": best.value, "metric": printable(study.spec.metric.name)}


Run = Callable[["Watcher"], "Result"]


@contextmanager
def notified(run: Run, url: str | None, say: Callable[[str], object]) -> Iterator[Run]:
    """Yield a function that does what `run` does, and also notifies `url`. Without a URL, yield `run` itself.

    If a notification fails, `say` is called with one line about it after the run. If the run raises an error, the
    posted ending is `error`.
    """
    if url is None:
        yield run
        return
    webhook = Webhook(url)
    try:
        yield lambda watcher: _run(run, Notifying(watcher, webhook))
    finally:
        webhook.close()
        if webhook.failure is not None:
            say(f"The notification to {webhook.host} failed: {webhook.failure}.")


def _run(run: Run, watcher: Notifying) -> Result:
    try:
        result = run(watcher)
    except BaseException:
        watcher.tell_ending("error")  # and nothing else: the error's text may contain a secret
        raise
    watcher.tell_ending(result.ending or "complete")
    return result
