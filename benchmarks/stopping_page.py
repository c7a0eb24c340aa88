"""Makes the tables and the plot of docs/stopping-tables.md from the figures of `benchmarks.stop_rules`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.page_blocks import with_block

OURS = ("onset", "study", "eager")
RESULTS = Path(__file__).parent / "results" / "stop_rules.json"
PAGE = Path(__file__).parents[1] / "docs" / "stopping-tables.md"
PLOT = PAGE.with_name("stopping.svg")


def stored() -> dict[str, Any]:
    """The stored figures; empty if nothing was measured."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def write(measured: Mapping[str, Any]) -> None:
    """Store the figures, and put them into the page."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n")
    PAGE.write_text(with_blocks(PAGE.read_text(), measured))
    plot(measured, PLOT)


def dominated_by(name: str, figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The reference rules that save no less than `name` and lose no more, and are better in one of the two."""
    ours = figures[name]
    return [
        other
        for other, theirs in figures.items()
        if not other.startswith(OURS)
        and theirs["saved %"] >= ours["saved %"]
        and theirs["study regret"] <= ours["study regret"] + 1e-9
        and (theirs["saved %"] > ours["saved %"] or theirs["study regret"] < ours["study regret"] - 1e-9)
    ]


def table(measured: Mapping[str, Any]) -> str:
    """The table of all rules, in Markdown."""
    columns = list(measured["overall"]["onset"])
    lines = [f"| rule | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, row in measured["overall"].items():
        shown = f"**{name}**" if name in OURS else name
        lines.append(
            f"| {shown} | {' | '.join(_shown(column, row.get(column, math.nan)) for column in columns)} |"
        )
    return "\n".join(lines)


def _shown(column: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "·"
    return f"{value:.1f}" if "%" in column or column == "delay" else f"{value:.2f}"


def by_task_table(measured: Mapping[str, Any]) -> str:
    """The table of our rules by task, with the reference rules that dominate each there."""
    tasks = list(measured["by_task"]["none"])
    lines = [f"| task | {' | '.join(OURS)} |", "|---" * (len(OURS) + 1) + "|"]
    for task in tasks:
        figures = {name: rows[task] for name, rows in measured["by_task"].items()}
        cells = []
        for name in OURS:
            worse = dominated_by(name, figures)
            better = f"; behind {', '.join(worse)}" if worse else ""
            cells.append(f"{figures[name]['saved %']:.0f} % at {figures[name]['study regret']:.2f}{better}")
        lines.append(f"| {task} | {' | '.join(cells)} |")
    free = {
        name: sum(
            not dominated_by(name, {rule: rows[task] for rule, rows in measured["by_task"].items()})
            for task in tasks
        )
        for name in OURS
    }
    counts = ", ".join(f"`{name}` {count}" for name, count in free.items())
    return "\n".join(
        [*lines, "", f"Tasks, of {len(tasks)}, in which no reference rule is better in both: {counts}."]
    )


def plot(measured: Mapping[str, Any], path: Path) -> None:
    """Plot the study regret over the rounds saved, with one point for each rule."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "stopping"  # else names in the file differ each time
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    for name, row in measured["overall"].items():
        colour = "#c0262d" if name.startswith(OURS) else "#0b5cad" if name.startswith("Optuna") else "#8a8a8a"
        axes.plot(row["saved %"], row["study regret"], "o", color=colour)
        place = (row["saved %"], row["study regret"])
        if ", " not in name:  # variants are plotted near their rule, without a name
            axes.annotate(name, place, (4, 4), textcoords="offset points", fontsize=7)
    axes.set_xlabel("rounds saved, % (more is better)")
    axes.set_ylabel("study regret, points (less is better)")
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(bottom=-0.01)
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


def telling_table(measured: Mapping[str, Any]) -> str:
    """The table of `onset` on both parts of the bank: with rows and chance told, and as in a plain CSV file."""
    report = {"overall": measured["overall"]["onset"], "labels_right": measured["labels_right"]}
    rows = {
        "reporting part, told": report,
        "reporting part, a plain CSV": measured.get("untold_report"),
        "developing part, told": measured.get("told_develop"),
        "developing part, a plain CSV": measured.get("untold_develop"),
    }
    columns = ("saved %", "caught %", "delay", "false halts %", "beyond noise %")
    lines = [f"| | {' | '.join(columns)} | labels right % |", "|---" * (len(columns) + 2) + "|"]
    for name, row in rows.items():
        if row is not None:
            cells = [_shown(column, row["overall"].get(column, math.nan)) for column in columns]
            lines.append(f"| {name} | {' | '.join(cells)} | {100 * row['labels_right']:.1f} |")
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "telling": telling_table,
    "rules": table,
    "tasks": by_task_table,
}


def with_blocks(text: str, measured: Mapping[str, Any]) -> str:
    """The page with the tables of the figures."""
    for name, render in BLOCKS.items():
        text = with_block(text, name, render(measured))
    return text
