"""The table that every reader of curve files returns: columns of text or numbers, and the line of each row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UsageError

MISSING = frozenset({"", "na", "n/a", "none", "null", "-", "--", "<na>"})
_TENSOR = re.compile(r"tensor\(\s*([^,)]+).*\)", re.DOTALL)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """Rows in the order of the file.

    columns: by name, one value for each row: text, a number, or None. lines: the line of each row in the file. format:
    the name of the file's format, for messages. starts: the rows at which a new run begins, such as those after a
    repeated header. has_decimal_commas: whether `0,5` means 0.5.
    """

    path: Path | str
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int]
    format: str
    starts: frozenset[int] = field(default_factory=frozenset)
    has_decimal_commas: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, row: int) -> str:
        """The file and line of a row, for messages."""
        return f"{self.path}:{self.lines[row]}"

    def numbers(self, column: str) -> list[float | None]:
        """The numbers of a column; None where nothing was measured. Raises UsageError for other text."""
        values = self.columns[column]
        fast = _all_numbers(values)
        if fast is not None:
            return fast
        return [self._number(column, row, value) for row, value in enumerate(values)]

    def _number(self, column: str, row: int, value: Any) -> float | None:
        found = number_of(value, has_decimal_commas=self.has_decimal_commas)
        if isinstance(found, str):
            raise UsageError(f"{self.place(row)}: {column}: {found!r} is not a number.")
        return found

    def is_numeric(self, column: str) -> bool:
        """Whether the first value of a column is a number. Later text in it is an error, which `numbers` raises."""
        found = (
            number_of(value, has_decimal_commas=self.has_decimal_commas) for value in self.columns[column]
        )
        value = next((value for value in found if value is not None), None)
        return value is not None and not isinstance(value, str)


def number_of(value: Any, *, has_decimal_commas: bool = False) -> float | str | None:
    """The number that a logger wrote; None for an empty value; the text itself if it is neither.

    `11.5%` gives 11.5 (per cent), and `tensor(2.3261)` gives 2.3261. `nan` and `inf` are numbers that are not finite.
    """
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    if isinstance(value, int | float):
        return _as_float(value)
    if not isinstance(value, str):
        return repr(value)
    text = value.strip()
    if text.lower() in MISSING:
        return None
    tensor = _TENSOR.fullmatch(text)
    if tensor:
        text = tensor[1].strip()
    text = text.removesuffix("%").strip()
    if has_decimal_commas and _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return value.strip()


def _as_float(value: float) -> float:
    """The number as a float; infinity if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _all_numbers(values: Sequence[Any]) -> list[float | None] | None:
    """A column's values as floats, if all are plain numbers; else None. This is much faster than one by one."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if any(value is None for value in values):
        return None
    return list(map(float, array)) if array.ndim == 1 else None


def whole(value: float) -> bool:
    """Whether a number is a finite integer."""
    return math.isfinite(value) and float(value).is_integer()
