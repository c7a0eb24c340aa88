"""Somebody's code that owns its loop, and the service that asks it for one round at a time.

The code runs in a thread of its own. Each thing that it tells (a round, a question) waits there for its answer, so that
only one of the two runs at a time, and the service sees an iterator.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Any

from sweeps.trial.work import Event

Exchange = Callable[[Event], Any]


class Stopped:
    """The answer to all that is told after the trial has ended."""

    def __bool__(self) -> bool:
        return False


STOPPED = Stopped()


class _Ended:
    """The last thing that is told: the code has returned, or raised this."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Conversation:
    """`code(exchange)` in a thread of its own; what it hands to `exchange` comes out of `events`, in turn."""

    def __init__(self, code: Callable[[Exchange], None]) -> None:
        self._code = code
        self._told: queue.SimpleQueue[Event | _Ended] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def events(self) -> Generator[Event, Any, None]:
        """What the code tells; each answer is sent in. Raises what the code raises."""
        self._thread.start()
        while not isinstance(told := self._told.get(), _Ended):
            answer = yield told
            self._answers.put(answer)
        if told.error is not None:
            raise told.error

    def close(self, patience_seconds: float) -> bool:
        """Tell the code that the trial has ended, and wait so long for its return; whether it did."""
        self._is_closed.set()
        self._answers.put(STOPPED)
        if self._thread.ident is not None:
            self._thread.join(patience_seconds)
        return not self._thread.is_alive()

    def error_at_the_end(self) -> BaseException | None:
        """What the code raised after `close` had told it to end; None if nothing, or if it has not returned."""
        error = None
        while not self._told.empty():
            if isinstance(told := self._told.get(), _Ended):
                error = told.error
        return error

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._code(self._exchange)
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is data of its trial
            error = raised
        self._told.put(_Ended(error))

    def _exchange(self, event: Event) -> Any:
        if self._is_closed.is_set():
            return STOPPED
        self._told.put(event)
        return self._answers.get()
