"""Progress of a study in the terminal: plain lines when piped, else a bar and a line for each running trial."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from objectives import Round
from storage.outcomes import Outcome
from sweeps.cli.terminal import announcement, value_text
from sweeps.driver.observer import Standing
from sweeps.launching import Launch, Watcher
from sweeps.study.specification import Specification
from sweeps.study.stored_study import Study
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment


class PlainProgress:
    """For pipes and logs: prints the plan, then a line when a trial ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._pauses = False

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """What is about to be done."""
        self._pauses = launching.planned.spec.pauses  # too often to tell of each time
        self._console.print(announcement(launching, study), "\n", markup=False)

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Print nothing at the start of a trial."""

    def recorded(self, number: int, latest: Round) -> None:
        """Print nothing for a round."""

    def paused(self, number: int) -> None:
        """One line, where trials do not pause all the time."""
        if not self._pauses:
            self._console.print(f"trial {number} paused")

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Print one line: the result, and why the trial ended."""
        seconds = time.monotonic() - self._begun
        self._console.print(
            f"[{seconds:6.1f} s] {standing.ended}/{standing.num_trials}  {ended_line(number, end, num_rounds)}",
            markup=False,
            soft_wrap=not self._console.is_terminal,
        )

    def close(self) -> None:
        """There is nothing to remove."""


class LiveProgress(PlainProgress):
    """A progress bar and a line for each running trial. Ended trials scroll by above them."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Progress(
            TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._live = Live(self, console=console, refresh_per_second=4, transient=True)
        self._running: dict[int, Round | None] = {}
        self._begun_any = False

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """What is about to be done, and below it what stands by now."""
        super().begins(launching, study, standing)
        self._spec, self._best = launching.planned.spec, standing.best
        self._task = self._bar.add_task("trials", total=standing.num_trials, completed=standing.ended)
        self._live.start()

    def __rich__(self) -> RenderableType:
        name, best = self._spec.metric.name, self._best
        lines = [Text(_running_line(self._spec, n, latest)) for n, latest in sorted(self._running.items())]
        if not lines:
            lines = [Text("starting workers …" if not self._begun_any else "ending workers …")]
        shown = "none yet" if best is None else f"{value_text(best.value)} (trial {best.number})"
        return Group(self._bar, Text(f"best valid {name}: {shown}"), *lines)

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Add a line for the trial."""
        self._begun_any = True
        self._running[assignment.number] = None

    def recorded(self, number: int, latest: Round) -> None:
        """Update the trial's line; where trials are paused, each round may be the best so far."""
        self._running[number] = latest
        is_best = self._best is None or self._spec.metric.is_better(
            latest.valid_score, self._best.value or math.nan
        )
        if self._pauses and is_best:
            self._best = Outcome(0, number, "RUNNING", latest.valid_score)

    def paused(self, number: int) -> None:
        """Remove the trial's line."""
        self._running.pop(number, None)
        super().paused(number)

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Remove the trial's line and move the bar."""
        self._running.pop(number, None)
        self._best = standing.best
        self._bar.update(self._task, completed=standing.ended, total=standing.num_trials)
        super().ended(number, end, num_rounds, standing)

    def close(self) -> None:
        """Remove the bar."""
        self._live.stop()


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
    value = value_text(end.value)
    if end.stop_reason == "finished":
        return f"trial {number}  {value} at round {end.best_round}, all {num_rounds} rounds"
    reached = f"trial {number}  {value} at round {end.best_round}"
    if end.stop_reason == "paused":
        return f"{reached}, {end.because}"
    return f"{reached}, halted at {num_rounds}: {end.stop_reason}: {end.because}"


def _running_line(spec: Specification, number: int, latest: Round | None) -> str:
    if latest is None:
        return f"  trial {number:>3}  starting"
    losses = "" if latest.valid_loss is None else f"  loss {value_text(latest.valid_loss)}"
    if latest.train_loss is not None:
        losses += f" (training {value_text(latest.train_loss)})"
    return (
        f"  trial {number:>3}  round {latest.index:>3}/{spec.rounds}  valid {spec.metric.name} "
        f"{value_text(latest.valid_score)}{losses}"
    )
