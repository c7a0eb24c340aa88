"""The logs of a study's trials: what their code has printed, in a file for each trial."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from objectives import Round
from objectives.checkpoints.atomic_write import write_whole
from sweeps.driver.observer import Standing
from sweeps.trial.files import Fenced
from sweeps.trial.log_text import LogText, log_path
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment

SECONDS_BETWEEN_WRITES = 1.0


@dataclass
class _Log:
    """A log, and the line before what comes next. is_new: whether something is not written yet."""

    text: LogText = field(default_factory=LogText)
    heading: str = ""
    is_new: bool = False
    written_at: float = -SECONDS_BETWEEN_WRITES


class TrialLogs:
    """Writes what trials print. Nothing else depends on it: a log that can't be written is told once.

    out: the study's folder. fenced: calls a function while no other driver can take over the study.
    """

    def __init__(self, out: Path, fenced: Fenced, now: Callable[[], float] = time.monotonic) -> None:
        self._out, self._fenced, self._now = out, fenced, now
        self._running: dict[int, _Log] = {}
        self._has_told = False

    def add(self, number: int, text: str) -> None:
        """Whole lines that a trial's code has printed, also after its end."""
        if not text:
            return
        log = self._running.get(number)
        is_running = log is not None
        if log is None:
            log = _Log(self._stored(number))
        if log.heading and log.text.length:
            log.text.add(log.heading)
        log.heading = ""
        log.text.add(text)
        log.is_new = True
        if not is_running or self._now() - log.written_at >= SECONDS_BETWEEN_WRITES:
            self._write(number, log)

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """A new trial begins a log; a trial that starts again goes on with it."""
        number = assignment.number
        if again:
            how = "is trained from the beginning again" if assignment.checkpoint is None else "goes on"
            heading = f"--- the trial {how}: {datetime.now():%Y-%m-%d %H:%M:%S} ---\n"
            self._running[number] = _Log(self._stored(number), heading)
            return
        self._running[number] = _Log()
        path = log_path(self._out, number)
        if path.exists():  # of a study that was here before
            self._fenced(lambda: path.unlink(missing_ok=True))

    def recorded(self, number: int, latest: Round) -> None:
        """Write what is not written yet, if it is time."""
        log = self._running[number]
        if log.is_new and self._now() - log.written_at >= SECONDS_BETWEEN_WRITES:
            self._write(number, log)

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Write the rest."""
        self.paused(number)

    def paused(self, number: int) -> None:
        """Write the rest."""
        log = self._running.pop(number, None)
        if log is not None and log.is_new:
            self._write(number, log)

    def _stored(self, number: int) -> LogText:
        try:
            return LogText.read(log_path(self._out, number).read_text("utf-8", "replace"))
        except OSError:
            return LogText()

    def _write(self, number: int, log: _Log) -> None:
        path, content = log_path(self._out, number), str(log.text).encode("utf-8", "replace")
        log.is_new, log.written_at = False, self._now()
        try:
            write_whole(path, content, lambda *paths: self._fenced(lambda: _put(*paths)))
        except OSError as error:
            if not self._has_told:
                self._has_told = True
                print(
                    f"sweep: {path}: what the trial prints can't be written ({error.strerror}). The study goes on.",
                    file=sys.stderr,
                )


def _put(partial: Path, path: Path) -> None:
    if partial.exists():  # otherwise the file is in place, but the database did not answer
        partial.replace(path)
