"""Learning curves of any framework, read from a CSV file; what is wrong is told with its line."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from objectives.spelling import did_you_mean
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import REQUIRED, SCORES, SIGNALS, Curve, curve_from_columns
from sweeps.trial.metric import Metric

NEEDED = ("trial", "round", *REQUIRED)
OPTIONAL = (*SCORES, *SIGNALS)


@dataclass(frozen=True)
class NamedCurve:
    """A curve, the name of its trial, and the number of its first round: 0 or 1."""

    name: str
    curve: Curve
    first_round: int = 1


@dataclass(frozen=True)
class CurveFile:
    """The curves of a file, in the order in which trials first appear, and what their score is."""

    curves: Sequence[NamedCurve]
    metric: Metric


def read_curves(
    path: Path,
    direction: Literal["maximize", "minimize"] = "maximize",
    *,
    valid_rows: int = 0,
    chance: float = math.nan,
) -> CurveFile:
    """Read `trial, round, train_loss, valid_loss` and what else there is of OPTIONAL; further columns are passed over.

    direction: of the scores; without scores the validation loss decides. valid_rows: rows behind a validation score,
    from which its sampling error follows, and chance, the score of one that has learnt nothing: where they are known.
    Raises UsageError.
    """
    rows = _Rows(path)
    has_scores = all(name in rows.columns for name in SCORES)
    metric = (
        Metric("score", direction, chance, valid_rows)
        if has_scores
        else Metric("validation loss", "minimize", math.nan, 0)
    )
    curves = [
        NamedCurve(
            name,
            curve_from_columns(
                {column: values for column, values in columns.items() if has_scores or column not in SCORES},
                metric,
            ),
            first,
        )
        for name, (first, columns) in rows.trials.items()
    ]
    return CurveFile(curves, metric)


class _Rows:
    """The file's numbers by trial and column."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns: list[str] = []
        self.trials: dict[str, tuple[int, dict[str, list[float | None]]]] = {}
        try:
            with _opened(path) as file:
                self._read(csv.DictReader(file, strict=True))
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{path}: can't be read: {error}.") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{path}: not a CSV file: {error}.") from None
        if not self.trials:
            raise UsageError(
                f"{path}: contains no round. It needs a row for each round, with the columns {', '.join(NEEDED)}."
            )

    def _read(self, reader: csv.DictReader[str]) -> None:
        given = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = given
        if not given:
            raise UsageError(
                f"{self._path}: is empty. Its first line must name the columns: {', '.join(NEEDED)}."
            )
        for name in NEEDED:
            if name not in given:
                raise UsageError(
                    f"{self._path}:1: column {name!r} is missing{did_you_mean(name, given)} "
                    f"It has: {', '.join(given)}."
                )
        for name in given:
            if given.count(name) > 1:
                raise UsageError(f"{self._path}:1: column {name!r} occurs twice.")
        if len(lone := [name for name in SCORES if name in given]) == 1:
            raise UsageError(
                f"{self._path}:1: {lone[0]} without {SCORES[lone[0] == SCORES[0]]}. Give both or neither."
            )
        self.columns = [name for name in OPTIONAL if name in given]
        for row in reader:
            self._add(row, f"{self._path}:{reader.line_num}")

    def _add(self, row: dict[str, str], place: str) -> None:
        if None in row or None in row.values():
            raise UsageError(
                f"{place}: it has {'more' if None in row else 'fewer'} fields than the first line has columns."
            )
        name = row["trial"].strip()
        if not name:
            raise UsageError(f"{place}: trial is empty.")
        index = _number(row, "round", place)
        if index is None or not float(index).is_integer():
            raise UsageError(f"{place}: round: {row['round']!r} is not a whole number.")
        if name not in self.trials:
            if index not in (0, 1):
                raise UsageError(f"{place}: trial {name} begins with round {index:g}, not with 0 or 1.")
            named = (*REQUIRED, *self.columns)
            self.trials[name] = (int(index), {column: [] for column in named})
        first, columns = self.trials[name]
        expected = first + len(columns["train_loss"])
        if index != expected:
            how = "occurs twice or is out of order" if index < expected else "is missing"
            raise UsageError(
                f"{place}: trial {name}: round {index:g} comes where {expected} should: "
                f"{expected if how == 'is missing' else format(index, 'g')} {how}."
            )
        for column, values in columns.items():
            value = _number(row, column, place)
            if value is None and column in (*REQUIRED, *SCORES):
                raise UsageError(f"{place}: {column} is empty. Write nan for a value that is not finite.")
            values.append(value)


def _number(row: dict[str, str], column: str, place: str) -> float | None:
    text = row[column].strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{place}: {column}: {text!r} is not a number.") from None


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
