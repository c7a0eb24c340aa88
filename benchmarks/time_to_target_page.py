"""The tables and the picture of `benchmarks.time_to_target`, in docs/performance.md."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page_blocks import with_block
from benchmarks.peers.problem import PROBLEMS, Problem
from benchmarks.time_to_target import SYSTEMS, Cell, stored

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "time-to-target.svg"
BUSY = 0.5  # cores that other work used; a cell beyond this is marked
COLOURS = ("#0b5cad", "#5aa9e6", "#2a8c4a", "#e08a00", "#c0262d")


def write() -> None:
    """Put tables and picture where they belong."""
    PAGE.write_text(with_tables(PAGE.read_text()))
    draw(PICTURE)


def with_tables(page: str) -> str:
    """The page with the tables of the cells that were kept."""
    return with_block(page, "time to target", tables())


def tables() -> str:
    """A table for each problem that has cells."""
    found = {name: stored(name) for name in PROBLEMS}
    sections = [_section(PROBLEMS[name], cells) for name, cells in found.items() if cells]
    return "\n\n".join(sections) or "Not measured yet."


def _section(problem: Problem, cells: list[Cell]) -> str:
    first, second = problem.targets
    head = [
        "system",
        f"s to {first:g}",
        f"s to {second:g}",
        "best after equal seconds",
        "best at the end",
        "first round, s",
        "seconds in all",
        "rounds",
        "core-seconds a round",
        "peak memory, GB",
        "seeds (of them busy)",
    ]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    equal = first_ends(cells)
    for system in SYSTEMS:
        own = [each for each in cells if each["system"] == system]
        if own:
            lines.append(f"| {system} | {' | '.join(_row(problem, own, equal))} |")
    rows = "all rows" if problem.train_rows is None else f"{problem.train_rows:,} rows"
    what = f"{problem.trials} trials of at most {problem.rounds} rounds"
    return f"**`{problem.name}`** ({problem.data}, {rows}; {what}):\n\n" + "\n".join(lines)


def _row(problem: Problem, own: list[Cell], equal: dict[int, float]) -> list[str]:
    def middle(of: Callable[[Cell], float], form: str) -> str:
        return format(statistics.median(of(each) for each in own), form)

    busy = sum(each["others"] > BUSY for each in own)
    return [
        *(_reached(own, target) for target in problem.targets),
        middle(lambda each: best_at(each, equal[each["seed"]]), ".4f"),
        middle(lambda each: each["best"][-1][1], ".4f"),
        middle(lambda each: each["first_round"], ".1f"),
        middle(lambda each: each["seconds"], ",.0f"),
        middle(lambda each: each["rounds"], ",.0f"),
        middle(lambda each: each["cpu_seconds"] / each["rounds"], ".2f"),
        middle(lambda each: each["peak_memory_bytes"] / 1e9, ".2f"),
        f"{len(own)} ({busy})",
    ]


def _reached(own: Sequence[Cell], target: float) -> str:
    """The median of seconds; a seed that never got there counts as the longest."""
    seconds = [seconds_to(each, target) for each in own]
    middle = statistics.median_high(seconds)
    got = sum(map(math.isfinite, seconds))
    shown = f"{middle:.0f}" if math.isfinite(middle) else "never"
    return shown if got == len(own) else f"{shown} ({got} of {len(own)})"


def seconds_to(cell: Cell, target: float) -> float:
    """From the start of the command; infinity where it never got there."""
    return next((at for at, score in cell["best"] if score >= target), math.inf)


def best_at(cell: Cell, seconds: float) -> float:
    """The best score after so many seconds; 0 before the first round."""
    return max((score for at, score in cell["best"] if at <= seconds), default=0.0)


def first_ends(cells: Sequence[Cell]) -> dict[int, float]:
    """By seed, when the first of the systems had ended."""
    seeds = {each["seed"] for each in cells}
    return {seed: min(each["seconds"] for each in cells if each["seed"] == seed) for seed in seeds}


def draw(path: Path) -> None:
    """Best so far over seconds: a thin line a seed, a thick one for the median over seeds."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "time to target"
    from matplotlib import pyplot

    there = {name: cells for name in PROBLEMS if (cells := stored(name))}
    figure, axes = pyplot.subplots(1, len(there), figsize=(4.2 * len(there), 3.8), squeeze=False)
    for each, (name, cells) in zip(axes[0], there.items(), strict=True):
        _panel(each, PROBLEMS[name], cells)
    axes[0][0].legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _panel(axes: Any, problem: Problem, cells: Sequence[Cell]) -> None:
    end = max(each["seconds"] for each in cells)
    grid = [end * k / 400 for k in range(401)]
    for system, colour in zip(SYSTEMS, COLOURS, strict=True):
        own = [each for each in cells if each["system"] == system]
        if not own:
            continue
        for each in own:
            axes.step(*zip(*each["best"], strict=True), where="post", color=colour, lw=0.5, alpha=0.35)
        middle = [statistics.median(best_at(each, at) for each in own) for at in grid]
        axes.plot(grid, [value or math.nan for value in middle], color=colour, lw=1.8, label=system)
    low, high = problem.targets
    for target in problem.targets:
        axes.axhline(target, color="#999999", lw=0.7, ls=":")
    top = max(each["best"][-1][1] for each in cells)
    axes.set_ylim(low - 2.5 * (high - low), top + 0.3 * (high - low))
    axes.set_title(problem.name, fontsize=10)
    axes.set_xlabel("seconds since the command")
    axes.set_ylabel("best validation score so far")
