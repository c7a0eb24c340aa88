"""Divides the rows of a table into runs, and the rows of a run into rounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.diagnosis.curve_files.column_names import test_columns
from sweeps.diagnosis.curve_files.columns import Taken
from sweeps.diagnosis.curve_files.table import Table, whole
from sweeps.errors import UsageError

Figures = Mapping[str, Sequence[float | None]]


@dataclass
class Run:
    """A run's rounds, oldest first.

    numbers: the rounds' numbers. columns: for each figure, one value for each round. tested: the number of the last
    round, if it was removed because it only evaluates the finished model for its test figures; else None.
    """

    name: str
    numbers: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    tested: int | None = None

    @property
    def is_validated(self) -> bool:
        """Whether any round has a validation figure."""
        figures = ("valid_loss", "valid_score")
        return any(value is not None for name in figures for value in self.columns.get(name, ()))


def runs_of(table: Table, taken: Taken) -> list[Run]:
    """The runs of a table, in the order in which they begin. Raises UsageError."""
    figures = {name: _summed(table, columns) for name, columns in taken.figures.items()}
    rounds = _round_numbers(table, taken.round)
    if taken.trial is not None:
        rows = _by_name(table, taken.trial)
    else:
        rows = _by_restarts(table, rounds)
    runs = []
    for name, places in rows.items():
        run = _run(table, name, places, rounds, figures, is_named=taken.trial is not None)
        if run.numbers:
            runs.append(run)
    if not runs:
        raise UsageError(
            f"{table.path}: contains no round. It needs one row for each round, and a validation figure in some rows."
        )
    return runs


def has_one_validation_a_round(table: Table, taken: Taken) -> bool:
    """Whether no round has two rows with a validation figure, and all rounds are whole numbers.

    If not, another column numbers the rounds: for example, this one holds epochs with two validations each.
    """
    rounds = _round_numbers(table, taken.round)
    names = [name for name in ("valid_loss", "valid_score") if name in taken.figures]
    measured = [_summed(table, taken.figures[name]) for name in names]
    latest: float | None = None
    for row, number in enumerate(rounds):
        if number is not None and any(values[row] is not None for values in measured):
            if number == latest and row not in table.starts:
                return False
            latest = number
    return all(number is None or whole(number) for number in rounds)


def _summed(table: Table, columns: Sequence[str]) -> list[float | None]:
    """The sum of some columns; None in a row in which any of them was not measured."""
    parts = [table.numbers(column) for column in columns]
    if len(parts) == 1:
        return parts[0]
    return [
        None
        if any(value is None for value in values)
        else math.fsum(value for value in values if value is not None)
        for values in zip(*parts, strict=True)
    ]


def _round_numbers(table: Table, column: str | None) -> list[float | None]:
    """The round of each row, from the column; without a column, the row's own number, from 1."""
    if column is None:
        return list(map(float, range(1, len(table) + 1)))
    return table.numbers(column)


def _by_name(table: Table, column: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, value in enumerate(table.columns[column]):
        name = _name_of(value)
        if not name:
            raise UsageError(f"{table.place(row)}: {column} is empty.")
        found.setdefault(name, []).append(row)
    return found


def _name_of(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _by_restarts(table: Table, rounds: Sequence[float | None]) -> dict[str, list[int]]:
    """The rows of each run. A new run begins at a repeated header, or where the round returns to the first number."""
    parts: list[list[int]] = [[]]
    first = latest = math.nan
    for row, number in enumerate(rounds):
        if number is not None:
            begins_again = number < latest and number <= first
            if (row in table.starts or begins_again) and parts[-1]:
                parts.append([])
                first = math.nan
            first = number if math.isnan(first) else first
            latest = number
        parts[-1].append(row)
    if len(parts) == 1:
        return {_stem(table.path): parts[0]}
    return {f"{_stem(table.path)}:{place}": rows for place, rows in enumerate(parts, start=1)}


def _stem(path: Path | str) -> str:
    name = Path(path).name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".json", ".jsonl"):
        name = name.removesuffix(suffix)
    return name or "run"


def _run(
    table: Table,
    name: str,
    places: Sequence[int],
    rounds: Sequence[float | None],
    figures: Figures,
    *,
    is_named: bool,
) -> Run:
    """One run, with the rows of each round merged. If it was continued from an earlier round, the later rows count."""
    groups: list[list[int]] = []
    numbers: list[float] = []
    for row in places:
        number = rounds[row]
        if number is None:
            if any(values[row] is not None for values in figures.values()):
                raise UsageError(f"{table.place(row)}: the round is empty.")
            continue
        if not math.isfinite(number):
            raise UsageError(f"{table.place(row)}: the round is not finite.")
        if numbers and number < numbers[-1]:
            if is_named:
                raise UsageError(f"{table.place(row)}: trial {name}: round {number:g} is out of order.")
            while numbers and numbers[-1] >= number:
                numbers.pop()
                groups.pop()
        if numbers and number == numbers[-1]:
            if is_named and _conflicts(groups[-1][-1], row, figures):
                raise UsageError(f"{table.place(row)}: trial {name}: round {number:g} occurs twice.")
            groups[-1].append(row)
        else:
            numbers.append(number)
            groups.append([row])
    tested = None
    if len(groups) > 1 and _is_final_test(table, groups, figures):
        tested = int(numbers.pop())
        groups.pop()
    merged = {
        figure: [_merged(figure, values, rows) for rows in groups] for figure, values in figures.items()
    }
    run = _without_empty(name, numbers, merged)
    run.tested = tested
    return run


def _is_final_test(table: Table, groups: Sequence[Sequence[int]], figures: Figures) -> bool:
    """Whether the last round alone has test figures, and it alone has no training figures (Lightning's `test`)."""
    tests = [table.columns[name] for name in test_columns(table.columns)]
    trained = [values for name, values in figures.items() if name in ("train_loss", "train_score")]

    def any_of(columns: Sequence[Sequence[object]], rows: Sequence[int]) -> bool:
        return any(column[row] not in (None, "") for column in columns for row in rows)

    return (
        any_of(tests, groups[-1])
        and not any_of(trained, groups[-1])
        and not any(any_of(tests, rows) for rows in groups[:-1])
        and all(any_of(trained, rows) for rows in groups[:-1])
    )


def _conflicts(row: int, other: int, figures: Figures) -> bool:
    """Whether two rows both have a value of the same validation figure."""
    return any(
        values[row] is not None and values[other] is not None
        for name, values in figures.items()
        if name.startswith("valid")
    )


def _merged(figure: str, values: Sequence[float | None], rows: Sequence[int]) -> float | None:
    """One value for a round's rows: the mean of a training figure, else the latest value. Finite ones are preferred."""
    if len(rows) == 1:
        return values[rows[0]]
    found = [value for row in rows if (value := values[row]) is not None]
    finite = [value for value in found if math.isfinite(value)]
    if not found:
        return None
    if figure.startswith("train") and finite:
        return math.fsum(finite) / len(finite)
    return finite[-1] if finite else found[-1]


def _without_empty(name: str, numbers: Sequence[float], columns: Mapping[str, list[float | None]]) -> Run:
    """The rounds that have a loss or a score. Their numbers are the file's, if all are whole; else 1, 2, 3 …."""
    tellable = [values for figure, values in columns.items() if figure.endswith(("_loss", "_score"))]
    kept = [place for place in range(len(numbers)) if any(values[place] is not None for values in tellable)]
    is_whole = all(whole(numbers[place]) for place in kept)
    named = [int(numbers[place]) if is_whole else count for count, place in enumerate(kept, start=1)]
    return Run(name, named, {figure: [values[place] for place in kept] for figure, values in columns.items()})
