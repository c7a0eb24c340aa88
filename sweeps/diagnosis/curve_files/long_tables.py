"""Converts tables in which a column tells the split of a row (`phase`: train, val), or its metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sweeps.diagnosis.curve_files.column_names import ROUNDS, TEST, TRAINING, TRIALS, VALIDATION, named_as
from sweeps.diagnosis.curve_files.records import table_of
from sweeps.diagnosis.curve_files.table import Table

SPLITS = ("split", "phase", "mode", "stage", "subset", "set", "partition", "dataset", "data")
METRICS = ("metric", "metric_name", "key", "tag", "name", "variable")
VALUES = ("value", "metric_value")


def widened(table: Table, given: Mapping[str, str]) -> Table:
    """The table with one column for each figure; the same table if no column tells the split or the metric of a row.

    It also stays the same if `--columns` names one of its columns.
    """
    if not len(table) or set(given.values()) & set(table.columns):
        return table
    metric, value = named_as(METRICS, table.columns), named_as(VALUES, table.columns)
    if metric and value and not table.is_numeric(metric) and table.is_numeric(value):
        return _by_metric(table, metric, value)
    split = next((name for name in SPLITS if _is_of_splits(table, named_as((name,), table.columns))), None)
    return table if split is None else _by_split(table, named_as((split,), table.columns) or split)


def _is_of_splits(table: Table, column: str | None) -> bool:
    """Whether a column has `train` in some rows and `val`, `test` … in all others."""
    if column is None:
        return False
    said = {_word(value) for value in table.columns[column]} - {""}
    return bool(said & TRAINING) and bool(said - TRAINING) and said <= TRAINING | VALIDATION | TEST


def _word(value: Any) -> str:
    return "" if value is None else str(value).strip().lower()


def _by_split(table: Table, split: str) -> Table:
    """A table with one column for each split and figure. The columns of trials and rounds stay as they are."""
    words = [_word(value) for value in table.columns[split]]
    kept = {*(named_as((name,), table.columns) for name in (*TRIALS, *ROUNDS)), split}
    columns: dict[str, Sequence[Any]] = {name: table.columns[name] for name in table.columns if name in kept}
    del columns[split]
    for name, values in table.columns.items():
        if name not in kept:
            for word in dict.fromkeys(word for word in words if word):
                here = [value if said == word else None for said, value in zip(words, values, strict=True)]
                if any(value not in (None, "") for value in here):
                    columns[f"{word}/{name}"] = here
    return replace(table, columns=columns, format=f"{table.format}, split by {split}")


def _by_metric(table: Table, metric: str, value: str) -> Table:
    """A table with one row for each run and round, and one column for each metric. Later values win."""
    trial, round_ = named_as(TRIALS, table.columns), named_as(ROUNDS, table.columns)
    found: dict[tuple[str, float], dict[str, Any]] = {}
    numbers = table.numbers(round_) if round_ else [None] * len(table)
    seen: dict[tuple[str, str], int] = {}
    for row, name in enumerate(map(_text, table.columns[metric])):
        run = _text(table.columns[trial][row]) if trial else ""
        seen[run, name] = seen.get((run, name), 0) + 1
        number = numbers[row]
        place = float(seen[run, name]) if number is None else number
        found.setdefault((run, place), {})[name] = table.columns[value][row]
    runs = list(dict.fromkeys(run for run, _ in found))
    records = [
        {**({trial: run} if trial else {}), round_ or "round": number, **found[run, number]}
        for run, number in sorted(found, key=lambda key: (runs.index(key[0]), key[1]))
    ]
    told = f"{table.format}, one row for each metric and round"
    return replace(table_of(table.path, records, told), commas=table.commas, notes=table.notes)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
