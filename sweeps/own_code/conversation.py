"""Runs a user's code that has its own training loop, and presents it to the worker as an iterator of events.

The code runs in its own thread. With each event (a round, a question) it waits for an answer, so only one of the two
threads runs at a time.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator
from typing import Any

from sweeps.trial.work import Event

SIGNAL_SECONDS = 0.5  # between looks for signals
Exchange = Callable[[Event], Any]


class Stopped:
    """The answer to every event after the trial has ended."""

    def __bool__(self) -> bool:
        return False


STOPPED = Stopped()


class _Ended:
    """The last event: the code has returned, or raised `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Conversation:
    """Calls `code(exchange)` in its own thread. `events` yields each event that the code passes to `exchange`."""

    def __init__(self, code: Callable[[Exchange], None]) -> None:
        self._code = code
        self._told: queue.SimpleQueue[Event | _Ended] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def events(self) -> Generator[Event, Any, None]:
        """The events of the code, one after the other. The caller sends in each answer. Raises what the code raises."""
        self._thread.start()
        while not isinstance(told := self._next(), _Ended):
            answer = yield told
            self._answers.put(answer)
        if told.error is not None:
            raise told.error

    def close(self, patience_seconds: float) -> bool:
        """Tell the code that the trial has ended, and wait up to so long for it to return; returns whether it did."""
        self._is_closed.set()
        self._answers.put(STOPPED)
        if self._thread.ident is not None:
            self._thread.join(patience_seconds)
        return not self._thread.is_alive()

    def error_at_the_end(self) -> BaseException | None:
        """The exception that the code raised after `close`; None if there was none, or if the code has not returned."""
        error = None
        while not self._told.empty():
            if isinstance(told := self._told.get(), _Ended):
                error = told.error
        return error

    def _next(self) -> Event | _Ended:
        """The next event. It waits in short steps, because Python handles a signal only when a wait ends."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._told.get(timeout=SIGNAL_SECONDS)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._code(self._exchange)
        except BaseException as raised:  # noqa: BLE001 - any exception of the code is recorded with its trial
            error = raised
        self._told.put(_Ended(error))

    def _exchange(self, event: Event) -> Any:
        if self._is_closed.is_set():
            return STOPPED
        self._told.put(event)
        return self._answers.get()
