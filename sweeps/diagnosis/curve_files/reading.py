"""Reads a file of learning curves in any supported format."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from sweeps.diagnosis.curve_files.column_names import ROUNDS, TRIALS, all_named_as, named_as
from sweeps.diagnosis.curve_files.columns import Taken, take
from sweeps.diagnosis.curve_files.delimited import read_delimited
from sweeps.diagnosis.curve_files.event_folder import read_events
from sweeps.diagnosis.curve_files.gaps import drop_alternating_nan
from sweeps.diagnosis.curve_files.long_tables import widened
from sweeps.diagnosis.curve_files.optuna_database import is_database, read_optuna
from sweeps.diagnosis.curve_files.records import read_records
from sweeps.diagnosis.curve_files.rounds_in_epochs import in_order
from sweeps.diagnosis.curve_files.runs import Run, has_one_validation_a_round, runs_of
from sweeps.diagnosis.curve_files.score_direction import direction_by_training
from sweeps.diagnosis.curve_files.table import Table
from sweeps.diagnosis.curve_files.wide import is_wide, melted
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.trial.metric import Metric

Direction = Literal["maximize", "minimize"]
FEWEST_ROUNDS = 3  # the least number of decreasing rounds for which the rows are reversed


@dataclass(frozen=True)
class NamedCurve:
    """A curve, and the name of its trial."""

    name: str
    curve: Curve


@dataclass(frozen=True)
class CurveFile:
    """The curves of a file, in the order in which trials first appear, and the metric of their score.

    notes: sentences that tell how the file and its columns were interpreted.
    """

    curves: Sequence[NamedCurve]
    metric: Metric
    notes: Sequence[str] = field(default_factory=tuple)


def read_curves(
    path: Path | str,
    direction: Direction | None = None,
    *,
    valid_rows: int = 0,
    chance: float = math.nan,
    columns: Mapping[str, str] | None = None,
) -> CurveFile:
    """Read the runs of a file, a folder of event files, or an Optuna database.

    direction: the direction of the score; None to find it from the score's name, else from its relation to the loss,
    else `maximize`. Without scores, the validation loss is minimised. valid_rows: the number of rows on which a
    validation score is computed; 0 if it is not known. chance: the score of a model that has learnt nothing; NaN if it
    is not known. columns: by figure, the name of its column, if it can't be found automatically. Raises UsageError.
    """
    table, told = _read(path)
    if not len(table):
        raise UsageError(
            f"{path}: contains no round. It needs one row for each round, and a validation figure in some rows."
        )
    if is_wide(table):
        table = melted(table)
    table = newest_last(widened(table, columns or {}), columns or {})
    taken = _taken(table, columns or {})
    table, taken = in_order(table, taken, columns or {})
    runs = runs_of(table, taken)
    gaps = drop_alternating_nan(runs)
    usable = [run for run in runs if run.is_validated]
    if not usable:
        raise UsageError(
            f"{path}: no round has a validation figure. The columns are: {', '.join(table.columns)}."
        )
    told = direction or told or taken.direction
    found = None if told else direction_by_training(usable)
    if "valid_score" not in taken.figures:
        metric = Metric("validation loss", "minimize", math.nan, 0)
    else:
        metric = Metric(_name_of(taken), told or found or "maximize", chance, valid_rows)
    curves = [NamedCurve(run.name, _curve(run, metric)) for run in usable]
    return CurveFile(curves, metric, _notes(table, taken, metric, runs, gaps, is_guessed=found is not None))


def _read(path: Path | str) -> tuple[Table, Direction | None]:
    name = str(path)
    path = Path(path)
    if is_database(name):
        if "://" not in name and not path.is_file():
            raise UsageError(f"{path}: can't be read: there is no such file.")
        return read_optuna(name)
    if path.is_dir() or "tfevents" in path.name:
        return read_events(path), None
    if path.name.removesuffix(".gz").endswith((".json", ".jsonl")):
        return read_records(path), None
    return read_delimited(path), None


def newest_last(table: Table, given: Mapping[str, str]) -> Table:
    """The rows in reverse order, if the round decreases from each row to the next."""
    name = given.get("round") or next(
        (each for each in all_named_as(ROUNDS, table.columns) if table.is_numeric(each)), None
    )
    if name is None or name not in table.columns or named_as(TRIALS, table.columns) or table.starts:
        return table
    numbers = [number for number in table.numbers(name) if number is not None]
    if len(numbers) < FEWEST_ROUNDS or any(after >= before for before, after in pairwise(numbers)):
        return table
    columns = {column: list(values)[::-1] for column, values in table.columns.items()}
    told = [*table.notes, f"The rows are read from the last to the first, because {name} decreases."]
    return replace(table, columns=columns, lines=list(table.lines)[::-1], notes=told)


def _taken(table: Table, given: Mapping[str, str]) -> Taken:
    """Find the columns. Several may number the rounds; prefer the first in which no round has two validations."""
    taken = take(table, given)
    if taken.round is None or "round" in given or len(table) == 0:
        return taken
    for name in ROUNDS:
        other = take(table, given, (name,))
        if other.round is not None and has_one_validation_a_round(table, other):
            return other
    return taken


def _curve(run: Run, metric: Metric) -> Curve:
    columns = dict(run.columns)
    if metric.name == "validation loss":
        columns.pop("train_score", None)
    return curve_from_columns(columns, metric, run.numbers)


def _name_of(taken: Taken) -> str:
    """The name of the score: its column's; `score` if the column is called `valid_score`."""
    name = taken.figures["valid_score"][0]
    return "score" if name == "valid_score" else name


def _notes(
    table: Table, taken: Taken, metric: Metric, runs: Sequence[Run], gaps: Sequence[str], *, is_guessed: bool
) -> list[str]:
    notes = [f"Read as {table.format}" + (f": {', '.join(taken.spoken())}." if taken.spoken() else ".")]
    if "valid_score" in taken.figures and metric.name != "score":
        moves = "falls" if metric.direction == "minimize" else "rises"
        falls = (
            "the loss falls"
            if "train_loss" in taken.figures or "valid_loss" in taken.figures
            else "training goes on"
        )
        why = f": it {moves} while {falls}" if is_guessed else ""
        notes.append(f"The score is {metric.name}, to {metric.direction}{why} (--direction changes that).")
    notes += table.notes
    if gaps:
        notes.append(f"nan of {', '.join(gaps)} counts as not measured, because numbers follow it.")
    if taken.other_losses:
        notes.append(
            f"Not used: {', '.join(taken.other_losses)} (--columns valid_loss=NAME uses another loss)."
        )
    if taken.others:
        notes.append(f"Not used: {', '.join(taken.others)} (--columns valid_score=NAME uses another score).")
    lacking = [name for name in ("train_loss", "train_score") if name not in taken.figures]
    if len(lacking) == 2:
        notes.append(
            "There are no training figures: a run called overfitting may also have become worse on the training data."
        )
    notes += [
        f"Round {run.tested} of {run.name} is not used, because it belongs to the final test."
        for run in runs
        if run.tested is not None
    ]
    empty = [run.name for run in runs if not run.is_validated]
    if empty:
        notes.append(f"Not used, because no round has a validation figure: {', '.join(empty)}.")
    return notes
