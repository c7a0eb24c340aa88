"""Progress of a study in the terminal: plain lines when piped, else a bar and a line for each running trial.

When piped, a line at least once a minute says what is running, so that a log shows that the study is alive.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from objectives import Round
from storage.outcomes import Outcome
from sweeps.cli.spark import spark
from sweeps.cli.terminal import announcement, value_text
from sweeps.cli.time_left import TimeLeft
from sweeps.driver.observer import Standing
from sweeps.launching import Launch, Watcher
from sweeps.printable import duration_text
from sweeps.study.specification import Specification
from sweeps.study.stored_study import Study
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment

HEARTBEAT_SECONDS = 60.0
SHORTEST_SPARK, LONGEST_SPARK = 8, 24


class PlainProgress:
    """For pipes and logs: prints the plan, a line when a trial ends, and a regular line on what is running."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._pauses = False
        self._printed = self._begun
        self._scores: dict[int, list[float]] = {}  # of the running trials, round by round
        self._latest: dict[int, Round] = {}
        self._closed = threading.Event()
        self._beating: threading.Thread | None = None

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """Print the plan."""
        self._pauses = launching.planned.spec.pauses  # too often to print a line for each pause
        self._console.print(announcement(launching, study), "\n", markup=False)
        self._spec, self._standing = launching.planned.spec, standing
        self._workers = launching.workers
        self._left = TimeLeft(self._spec.rounds, standing.ended)
        self._beats()

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Print nothing at the start of a trial."""
        self._scores[assignment.number] = []
        self._left.running.setdefault(assignment.number, 0)

    def recorded(self, number: int, latest: Round) -> None:
        """Print nothing for a round."""
        self._scores.setdefault(number, []).append(latest.valid_score)
        self._latest[number] = latest
        self._left.running[number] = latest.index

    def paused(self, number: int) -> None:
        """Print one line, unless the schedule pauses trials all the time."""
        self._scores.pop(number, None)  # the trial's rounds still count in the estimate of the time left
        self._latest.pop(number, None)
        if not self._pauses:
            self._console.print(f"trial {number} paused")

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Print one line: the result, and why the trial ended."""
        self._forget(number)
        self._standing = standing
        seconds = time.monotonic() - self._begun
        start = f"[{seconds:6.1f} s] {standing.ended}/{standing.num_trials}  "
        line = start + ended_line(number, end, num_rounds)
        if self._console.is_terminal and len(line) > self._console.width:
            line = start + short_line(number, end, num_rounds)
        self._print(line)

    def close(self) -> None:
        """Stop printing the regular line."""
        self._closed.set()
        if self._beating is not None:
            self._beating.join()

    def heartbeat(self) -> str:
        """One line: how many trials have ended, what is running, and how long it will still take."""
        standing, seconds = self._standing, time.monotonic() - self._begun
        running = [_running_in_short(self._spec, n, self._latest.get(n)) for n in sorted(self._scores)]
        told = "; ".join(running) or "no trial is running"
        return f"[{seconds:6.1f} s] {standing.ended}/{standing.num_trials}  {told}{self._in_use()}{self._time_left()}"

    def _in_use(self) -> str:
        """How many workers train, if there are several."""
        return f"; {len(self._scores)} of {self._workers} workers train" if self._workers > 1 else ""

    def _time_left(self) -> str:
        elapsed = time.monotonic() - self._begun
        left = self._left.seconds(self._standing.ended, self._standing.num_trials, elapsed)
        return "" if left is None else f"; about {duration_text(left)} left"

    def _forget(self, number: int) -> None:
        self._scores.pop(number, None)
        self._latest.pop(number, None)
        self._left.running.pop(number, None)

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        self._console.print(line, markup=False, soft_wrap=not self._console.is_terminal)

    def _beats(self) -> None:
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def _beat(self) -> None:
        while not self._closed.wait(HEARTBEAT_SECONDS / 4):
            if time.monotonic() - self._printed >= HEARTBEAT_SECONDS:
                self._print(self.heartbeat())


class LiveProgress(PlainProgress):
    """A progress bar and a line for each running trial. Ended trials scroll by above them."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Progress(
            TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._live = Live(self, console=console, refresh_per_second=4, transient=True)
        self._begun_any = False

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """Print the plan, and below it the live display."""
        super().begins(launching, study, standing)
        self._best = standing.best
        self._task = self._bar.add_task("trials", total=standing.num_trials, completed=standing.ended)
        self._live.start()

    def __rich__(self) -> RenderableType:
        name, best, width = self._spec.metric.name, self._best, self._console.width
        lines = [
            Text(
                running_line(self._spec, n, self._latest.get(n), scores, width),
                no_wrap=True,
                overflow="ellipsis",
            )
            for n, scores in sorted(dict(self._scores).items())  # another thread adds to it
        ]
        if not lines:
            lines = [Text("starting workers …" if not self._begun_any else "ending workers …")]
        shown = "none yet" if best is None else f"{value_text(best.value)} (trial {best.number})"
        told = f"best valid {name}: {shown}{self._in_use()}{self._time_left()}"
        return Group(self._bar, Text(told, no_wrap=True, overflow="ellipsis"), *lines)

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Add a line for the trial."""
        self._begun_any = True
        super().started(assignment, again=again)

    def recorded(self, number: int, latest: Round) -> None:
        """Update the trial's line; where trials are paused, each round may be the best so far."""
        super().recorded(number, latest)
        is_best = self._best is None or self._spec.metric.is_better(
            latest.valid_score, self._best.value or math.nan
        )
        if self._pauses and is_best:
            self._best = Outcome(0, number, "RUNNING", latest.valid_score)

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Remove the trial's line and move the bar."""
        self._best = standing.best
        self._bar.update(self._task, completed=standing.ended, total=standing.num_trials)
        super().ended(number, end, num_rounds, standing)

    def close(self) -> None:
        """Remove the bar."""
        self._live.stop()

    def _beats(self) -> None:
        """Start no thread: the live display refreshes itself."""


@contextlib.contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """The watcher for this console: a live bar on a terminal, plain lines elsewhere."""
    shown = LiveProgress(console) if console.is_terminal else PlainProgress(console)
    try:
        yield shown
    finally:
        shown.close()


def ended_line(number: int, end: End, num_rounds: int) -> str:
    """One line on an ended trial."""
    if end.state == "FAIL":
        return f"trial {number} failed: {end.because}"
    reached = _reached(number, end)
    if end.stop_reason == "finished":
        return f"{reached}, all {num_rounds} rounds"
    if end.stop_reason == "paused":
        return f"{reached}, {end.because}"
    return f"{reached}, halted at {num_rounds}: {end.stop_reason}: {end.because}"


def short_line(number: int, end: End, num_rounds: int) -> str:
    """One short line on an ended trial, without the evidence, which `sweep show` prints."""
    if end.state == "FAIL":
        return f"trial {number} failed: {end.because[:40]}"
    return f"{_reached(number, end)}, {end.stop_reason.replace('_', ' ')} at {num_rounds}"


def _reached(number: int, end: End) -> str:
    if end.value is None:
        return f"trial {number}  no value"
    return f"trial {number}  {value_text(end.value)} at round {end.best_round}"


def running_line(
    spec: Specification, number: int, latest: Round | None, scores: Sequence[float], width: int
) -> str:
    """A line of at most `width` characters on a running trial: its round, its scores as a spark line, its losses."""
    if latest is None:
        return f"  trial {number:>3}  starting"
    line = f"  trial {number:>3}  {latest.index:>3}/{spec.rounds}  {value_text(latest.valid_score):<8}"
    losses = "" if latest.valid_loss is None else f"  loss {value_text(latest.valid_loss)}"
    if latest.train_loss is not None:
        losses += f" (training {value_text(latest.train_loss)})"
    room = min(LONGEST_SPARK, width - len(line) - len(losses) - 2)
    if room < SHORTEST_SPARK:
        losses, room = "", min(LONGEST_SPARK, width - len(line) - 2)
    return f"{line} {spark(scores, max(1, room)):<{max(1, room)}}{losses}"


def _running_in_short(spec: Specification, number: int, latest: Round | None) -> str:
    if latest is None:
        return f"trial {number} starting"
    return f"trial {number} round {latest.index}/{spec.rounds} {value_text(latest.valid_score)}"
