"""Prints rows as a table for people, or as JSON or CSV for programs."""

from __future__ import annotations

import csv
import json
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from sweeps.cli.help import OTHER, RESULTS, F, option
from sweeps.printable import UNSAFE, on_one_line, printable

LAID_OUT = 300  # rows; rich needs 0.25 s for them, so longer tables are printed without it

WIDE = "sweeps.wide"

_form_option = option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    group=OTHER,
    help="Print a table, one line of JSON, or CSV to stdout.",
)
_wide_option = option(
    "--wide",
    is_flag=True,
    expose_value=False,
    callback=lambda context, parameter, value: context.meta.__setitem__(WIDE, value),
    group=OTHER,
    help="Show all columns of a table, even if its lines are wider than the terminal.",
)


def format_option(command: F) -> F:
    """Add the options `-f` and `--wide` to a command that prints rows."""
    return _form_option(_wide_option(command))


storage_option = option(
    "--storage",
    metavar="URL",
    group=RESULTS,
    help="Database of the studies: sqlite:///FILE.db or postgresql://… "
    "[default: SWEEP_STORAGE, else a file in your data folder]",
)


def print_rows(
    rows: Sequence[Mapping[str, Any]], form: str, *, columns: Sequence[str], empty: str = ""
) -> None:
    """Print `rows`. JSON and CSV have all keys (CSV flattens nested ones); the table has only `columns`."""
    if form == "json":
        click.echo(to_json(rows))
    elif form == "csv":
        _print_csv(rows, columns)
    elif not rows:
        click.echo(empty, err=True)
    else:
        _print_table(rows, columns)


def to_json(value: Any) -> str:
    """JSON on one line. NaN and infinities, which JSON lacks, become the strings NaN, Infinity, -Infinity.

    Control characters are escaped.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps(_named(value), ensure_ascii=False)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
    headers = _headers(flat) or columns
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([row.get(name) for name in headers] for row in flat)


def _headers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """All keys of all rows. A key that is new in a later row is inserted after the key before it in that row."""
    headers: list[str] = []
    for keys in dict.fromkeys(map(tuple, rows)):  # most rows have the same keys
        at = 0
        for key in keys:
            if key not in headers:
                headers.insert(at, key)
            at = headers.index(key) + 1
    return headers


def _flattened(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        key, kind = printable(name), type(value)
        if kind is dict:
            flat.update(_flattened(value, f"{prefix}{key}."))
        elif kind is float:
            flat[prefix + key] = value if math.isfinite(value) else _named(value)
        elif kind is bool:
            flat[prefix + key] = cell(value)
        else:
            told = json.dumps(_named(value)) if kind in (list, tuple) else value
            flat[prefix + key] = printable(told) if isinstance(told, str) else told
    return flat


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    numeric = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    context = click.get_current_context(silent=True)
    is_wide = context is not None and context.meta.get(WIDE, False)
    if sys.stdout.isatty() and len(rows) <= LAID_OUT and not is_wide:
        _print_laid_out(cells, columns, numeric)
    else:
        _print_aligned(cells, columns, numeric)


def _print_laid_out(cells: list[list[str]], columns: Sequence[str], numeric: Sequence[bool]) -> None:
    """Print a table that fits into the terminal. If there are too many columns, name those that are not shown."""
    from rich.console import Console

    from sweeps.cli.narrow_tables import Cells, fitted, print_laid_out

    console = Console(highlight=False, markup=False)
    whole = Cells([column.replace("_", " ") for column in columns], cells, numeric)
    shown, left_out = fitted(whole, console.width)
    print_laid_out(shown, console)
    if left_out:
        click.echo(f"Columns left out: {', '.join(left_out)}. To see them: --wide")


def _print_aligned(cells: list[list[str]], columns: Sequence[str], numeric: Sequence[bool]) -> None:
    """Print the same table without wrapping: for pipes, for `--wide`, and for so many rows that rich would be slow."""
    headers = [column.replace("_", " ") for column in columns]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    aligned = [f"{{:{'>' if right else '<'}{width}}}" for right, width in zip(numeric, widths, strict=True)]
    line = " " + "   ".join(aligned)
    rule = " " + "─" * (sum(widths) + 3 * (len(widths) - 1))
    lines = ["", line.format(*headers), rule, *(line.format(*row) for row in cells), ""]
    click.echo("\n".join(text.rstrip() for text in lines))


def cell(value: Any) -> str:
    """The text of a value in a table: on one line, without control characters."""
    if isinstance(value, str):
        return on_one_line(value)
    if value is None:
        return "·"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return " ".join([f"{on_one_line(str(key))}={cell(each)}" for key, each in value.items()])
    return str(value)


def said_of_confirmation(study: Any) -> list[str]:
    """Lines about the study's confirmation: the trial with the best mean, and the search's best trial if it differs.

    Returns an empty list without a confirmation. If the best trial is newer, the line tells how to confirm it.
    """
    best, confirmation = study.best(), study.confirmation()
    if confirmation is None:
        return []
    if not study.is_confirmed(best):
        return [
            f"Trial {best.number} was found after {confirmation.name}, which chose trial {confirmation.trial}. To "
            f"compare them: {study.command('confirm')}"
        ]
    record = confirmation.record
    chosen = f"Trial {confirmation.trial} is best by its mean in {confirmation.name}"
    spread = "" if record["std"] is None else f" ± {record['std']:.2g}"
    line = f"{chosen}: {cell(record['mean'])}{spread} over {len(record['values'])} repeats."
    if confirmation.trial != best.number:
        line += f" The best single run of the search is trial {best.number}: {cell(best.value)}."
    return [line]


def given_command() -> str:
    """The command that is running now, as it was typed."""
    context = click.get_current_context()
    words = ["sweep", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        if context.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = context.params.get(name, True)  # click keeps no value of some flags
        if isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(parameter.opts[-1] if value else parameter.secondary_opts[-1])
        else:
            option = parameter.opts[-1:] if isinstance(parameter, click.Option) else []
            for each in value if isinstance(value, tuple) else (value,):
                words += [*option, str(each)]
    return shlex.join(words)
