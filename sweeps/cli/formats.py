"""Rows as a table for people, or as JSON and CSV for programs."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

format_option = click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json: one line, to stdout.",
)
storage_option = click.option(
    "--storage",
    metavar="URL",
    help="sqlite:///FILE.db or postgresql://… [default: SWEEP_STORAGE, else your data folder]",
)


def print_rows(
    rows: Sequence[Mapping[str, Any]], form: str, *, columns: Sequence[str], empty: str = ""
) -> None:
    """Print `rows`: JSON has all keys, CSV too (flattened), the table only `columns`."""
    if form == "json":
        click.echo(to_json(rows))
    elif form == "csv":
        _print_csv(rows, columns)
    elif not rows:
        click.echo(empty, err=True)
    else:
        _print_table(rows, columns)


def to_json(value: Any) -> str:
    """JSON on one line; numbers that JSON lacks by name."""
    return json.dumps(_named(value), ensure_ascii=False)


def _named(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_named(each) for each in value]
    return value


def _print_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    flat = [_flattened(row) for row in rows]
    writer = csv.DictWriter(sys.stdout, _headers(flat) or columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def _headers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every key of any row; one that only some rows have comes after its neighbour there."""
    headers: list[str] = []
    for row in rows:
        at = 0
        for key in row:
            if key not in headers:
                headers.insert(at, key)
            at = headers.index(key) + 1
    return headers


def _flattened(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flattened(value, f"{prefix}{key}.")
        else:
            named = _named(value)
            flat[prefix + key] = json.dumps(named) if isinstance(named, list | bool) else named
    return flat


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        words = column.split("_")
        table.add_column(
            " ".join(words),
            justify="right" if numeric else "left",
            overflow="fold",
            min_width=max(len(word) for word in words),
        )
    for row in rows:
        table.add_row(*(cell(row.get(column)) for column in columns))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=200)
    console.print(table)


def cell(value: Any) -> str:
    """A value as it stands in a table."""
    if value is None:
        return "·"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={cell(each)}" for key, each in value.items())
    return str(value)
