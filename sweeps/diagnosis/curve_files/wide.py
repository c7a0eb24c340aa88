"""Converts charts exported from Weights & Biases: a column `RUN - METRIC` for each run and metric, and one of steps."""

from __future__ import annotations

from typing import Any

from sweeps.diagnosis.curve_files.table import Table

BETWEEN = " - "
BOUNDS = ("__MIN", "__MAX")


def is_wide(table: Table) -> bool:
    """Whether every column but one names a run and a metric."""
    wide = [name for name in table.columns if BETWEEN in name]
    return bool(wide) and len(wide) == len(table.columns) - 1


def melted(table: Table) -> Table:
    """The same table with one row for each run and step, and one column for each metric."""
    steps = next(name for name in table.columns if BETWEEN not in name)
    named = [name for name in table.columns if BETWEEN in name and not name.endswith(BOUNDS)]
    runs = list(dict.fromkeys(name.rpartition(BETWEEN)[0] for name in named))
    metrics = list(dict.fromkeys(name.rpartition(BETWEEN)[2] for name in named))
    columns: dict[str, list[Any]] = {"run": [], "step": [], **{metric: [] for metric in metrics}}
    lines: list[int] = []
    for run in runs:
        columns["run"] += [run] * len(table)
        columns["step"] += list(table.columns[steps])
        lines += list(table.lines)
        for metric in metrics:
            columns[metric] += list(table.columns.get(f"{run}{BETWEEN}{metric}", [None] * len(table)))
    return Table(
        table.path, columns, lines, "a chart of Weights & Biases", commas=table.commas, notes=table.notes
    )
