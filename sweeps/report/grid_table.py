"""A study as a table of two parameters: one down, one across, and in each cell the scores of its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from storage.trials import TrialRow
from sweeps.errors import UsageError
from sweeps.repeats.significance import Spread
from sweeps.report.knobs import Knob, knob, values_of, varying
from sweeps.report.published_cells import PublishedCell, published_cell
from sweeps.study.stored_study import Study


@dataclass(frozen=True)
class Cell:
    """The results of the trials of one cell.

    spread: mean and standard deviation of its completed trials; None if there is none. ends: how many trials ended for
    each reason. published: the published variant of the task whose parameters all trials of the cell have, else None.
    """

    row: str
    column: str
    spread: Spread | None
    ends: dict[str, int]
    trials: list[int]
    published: PublishedCell | None = None

    @property
    def text(self) -> str:
        """The cell's text: the mean (± the standard deviation), and how many trials ended early, by reason."""
        beside = [] if self.published is None else [f"({self.published})"]
        return " ".join(part for part in (self.value_text, *self.other_ends, *beside) if part)

    @property
    def value_text(self) -> str:
        """The mean and standard deviation; a dot if the cell has no trial, empty if none of its trials is complete."""
        return str(self.spread) if self.spread is not None else "" if self.trials else "·"

    @property
    def other_ends(self) -> list[str]:
        """How trials ended that were not trained to the end, such as `2 error`."""
        others = {reason: count for reason, count in self.ends.items() if reason != "finished"}
        return [reason if len(self.trials) == 1 else f"{count} {reason}" for reason, count in others.items()]

    def record(self) -> dict[str, Any]:
        """The cell as JSON values, under the stable keys of `-f json`."""
        spread = self.spread
        return {
            "row": self.row,
            "column": self.column,
            "mean": spread and spread.mean,
            "std": spread.std if spread and spread.count > 1 else None,
            "count": spread.count if spread else 0,
            "ends": self.ends,
            "trials": self.trials,
            "published": None if self.published is None else asdict(self.published),
        }


@dataclass(frozen=True)
class GridTable:
    """The cells of a study, one list for each row. columns: None for a table of one column."""

    rows: Knob
    columns: Knob | None
    metric: str
    cells: list[list[Cell]]


def grid_table(study: Study, rows: str | None = None, columns: str | None = None) -> GridTable:
    """The table of a study's finished trials.

    rows, columns: the parameters that go down and across. By default, if only one or two parameters vary, these are
    taken in the order of the space. Raises UsageError for a parameter that the study does not vary, if it varies more
    than two and none is named, and if no trial is finished.
    """
    trials = study.table()
    if not trials:
        raise UsageError(f"{study.name} has no finished trial yet.")
    values = values_of(study, trials)
    down, across = _names(study, rows, columns, varying(values))
    first = knob(study, down, values)
    second = None if across is None else knob(study, across, values)
    cells = [
        [replace(cell, published=_published(study, cell, trials)) for cell in line]
        for line in _cells(trials, values, first, second)
    ]
    return GridTable(first, second, study.spec.metric.name, cells)


def _published(study: Study, cell: Cell, trials: Sequence[TrialRow]) -> PublishedCell | None:
    found = {published_cell(study, study.parameters(trials[number])) for number in cell.trials}
    return found.pop() if len(found) == 1 else None


def _names(study: Study, rows: str | None, columns: str | None, known: list[str]) -> tuple[str, str | None]:
    if rows is not None and rows == columns:
        raise UsageError(f"--rows and --columns both name {rows}: name two parameters, or leave one out.")
    rest = [name for name in known if name not in (rows, columns)]
    if rows is None and columns is None and len(known) > 2:
        raise UsageError(
            f"{study.name} varies {len(known)} parameters: {', '.join(known)}. "
            "Name two of them with --rows and --columns."
        )
    if rows is None and not rest:
        raise UsageError(f"No parameter varies in {study.name}: there is nothing to make a table of.")
    down = rest.pop(0) if rows is None else rows
    if columns is None and rest and rows is None:
        columns = rest[0]
    return down, columns


def _cells(
    trials: Sequence[TrialRow], values: dict[str, list[Any]], rows: Knob, columns: Knob | None
) -> list[list[Cell]]:
    groups: dict[tuple[int, int], list[TrialRow]] = {}
    for index, trial in enumerate(trials):
        at = rows.group_of(values[rows.name][index])
        across = 0 if columns is None else columns.group_of(values[columns.name][index])
        groups.setdefault((at, across), []).append(trial)
    labels = [""] if columns is None else [group.label for group in columns.groups]
    return [
        [_cell(row.label, label, groups.get((i, j), [])) for j, label in enumerate(labels)]
        for i, row in enumerate(rows.groups)
    ]


def _cell(row: str, column: str, trials: Sequence[TrialRow]) -> Cell:
    completed = [trial.completed_value for trial in trials if trial.completed_value is not None]
    ends = Counter(str(trial.attributes.get("stop_reason", trial.state.lower())) for trial in trials)
    return Cell(
        row,
        column,
        Spread.of(completed) if completed else None,
        dict(sorted(ends.items())),
        [trial.number for trial in trials],
    )
