"""Ends a run before its last trial, for a signal, a request, the time limit, failures, the target or a lost lease."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Literal

from sqlalchemy.exc import DBAPIError

from storage import Database
from storage.additions import read_additions
from storage.leases import Lease
from storage.requests import pending_stop
from sweeps.driver.study_driver import StudyDriver

Ending = Literal["interrupted", "stopped", "timeout", "failures", "target", "lease"]
POLL_SECONDS = 0.5


def _signals() -> list[signal.Signals]:
    """The signals that end a run: SIGINT, SIGTERM and, unless it is ignored as under nohup, SIGHUP."""
    ending = [signal.SIGINT, signal.SIGTERM]
    hangs_up = getattr(signal, "SIGHUP", None)
    if hangs_up is not None and signal.getsignal(hangs_up) != signal.SIG_IGN:
        ending.append(hangs_up)
    return ending


class Interruption(BaseException):
    """Ends a run after a signal. The signal handler itself raises it only inside `interruptible()`."""


class Termination:
    """Looks for reasons to end a run. The runner calls `check` between messages or rounds.

    timeout_seconds: for the whole run. max_failures: the run ends after this many failed trials in a row, in the order
    of their numbers. It also ends when a quarter of all trials, but at least `max_failures`, have failed.
    """

    def __init__(
        self,
        database: Database,
        study_id: int,
        lease: Lease,
        *,
        timeout_seconds: float | None = None,
        max_failures: int = 3,
    ) -> None:
        self.ending: Ending | None = None
        self.pauses = False  # whether running trials must be paused now
        self.signal_number = 0
        self.at_second_signal: Callable[[], None] = lambda: None
        self._database = database
        self._study_id = study_id
        self._lease = lease
        self._deadline = None if timeout_seconds is None else database.host.monotonic() + timeout_seconds
        self._max_failures = max_failures
        self._next_poll = 0.0
        self._requested: str | None = None
        self._interruptible = False
        self._table_seen: int | None = None
        self._failures = 0  # failed trials in the table since this run started
        self._failures_in_a_row = 0
        self._failed: int | None = None  # the last configuration that failed

    def check(self, driver: StudyDriver) -> None:
        """Look for reasons to end. For each reason, close the driver, so that it starts no more trials.

        Set `pauses` as well, unless the reason is a `sweep stop` without --now: then running trials train to their end.
        Raises LeaseLost if another driver has taken over the study, DatabaseGone if its database was deleted.
        """
        if self._lease.is_lost:
            driver.writer.check_lease()
        if not self.signal_number:
            self._poll_requests(driver)
        self._look_at_table(driver)
        ending = self._reason_to_pause(driver)
        if ending is not None:
            self.pauses = True
        elif self._requested == "stop" and not driver.is_closed:
            ending = "stopped"
        if ending is not None:
            self.ending = ending
            driver.close()

    def _reason_to_pause(self, driver: StudyDriver) -> Ending | None:
        if self.signal_number:
            return "interrupted"
        if self._deadline is not None and self._database.host.monotonic() > self._deadline:
            return "timeout"
        if self._requested == "stop-now":
            return "stopped"
        if driver.target_reached:
            return "target"
        return "failures" if self._too_many_failures(driver.num_trials) else None

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """In this context, SIGINT, SIGTERM or SIGHUP pauses the trials and ends the run; a second one ends it at once.

        Outside the main thread, which alone receives signals, this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in _signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_if_interrupted(self, cause: BaseException | None = None) -> None:
        """Raises an Interruption if a signal has arrived. cause: the exception that is shown as its cause."""
        if self.signal_number:
            raise Interruption from cause

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """In this context, the first signal raises an Interruption in this thread.

        Use it only around a task's own training, which may take hours. A handler may raise anywhere, also while a lock
        is held: an exception during the start of Ray left the lock of `logging` locked for ever.
        """
        self._interruptible = True
        try:
            self.raise_if_interrupted()
            yield
        finally:
            self._interruptible = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number:
            self.at_second_signal()
            os._exit(128 + number)
        self.signal_number = number
        if self._interruptible:
            raise Interruption

    def _poll_requests(self, driver: StudyDriver) -> None:
        now = self._database.host.monotonic()
        if now >= self._next_poll:
            self._next_poll = now + POLL_SECONDS
            with contextlib.suppress(DBAPIError):  # unreachable for now: ask again at the next poll
                self._requested = pending_stop(self._database, self._study_id)
                driver.take_additions(read_additions(self._database, self._study_id))
            self._database.check_in_place()

    def _look_at_table(self, driver: StudyDriver) -> None:
        """Count the failures among the new trials of the table."""
        table = driver.counted
        if self._table_seen is None:
            self._table_seen = len(table)
        for row in table[self._table_seen :]:
            configuration, _ = driver.part_of(row.number)
            if row.state != "FAIL":
                self._failures_in_a_row = 0
            elif configuration != self._failed:  # repeats of a configuration fail for the same reason
                self._failures += 1
                self._failures_in_a_row += 1
                self._failed = configuration
        self._table_seen = len(table)

    def _too_many_failures(self, num_trials: int) -> bool:
        allowed = max(self._max_failures, math.ceil(num_trials / 4))
        return self._failures >= allowed or self._failures_in_a_row >= self._max_failures
