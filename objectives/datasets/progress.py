"""Shows the progress of something slow: a bar on stderr if that is a terminal, else nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@contextlib.contextmanager
def progress(
    text: str, total: int, *, done: int = 0, in_bytes: bool = False, console: Console | None = None
) -> Iterator[Callable[[int], None]]:
    """Show a bar during this context. The yielded function takes the amount done since its last call.

    total: 0 if unknown. done: amount done before. in_bytes: whether it counts bytes.
    """
    console = console or Console(stderr=True)
    counts: list[ProgressColumn] = (
        [DownloadColumn(), TransferSpeedColumn()] if in_bytes else [MofNCompleteColumn()]
    )
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *counts,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as shown:
        task = shown.add_task(text, total=total or None, completed=done)
        yield lambda num: shown.advance(task, num)
