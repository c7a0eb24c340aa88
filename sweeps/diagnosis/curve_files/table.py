"""What every reader of curve files gives: columns of text or numbers, and the line that each row stands on."""

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

    columns: by name, one value a row: text, a number, or None. lines: where each row stands. format: what the file was
    taken for. starts: rows that begin a new run by themselves, as after a header in the middle. has_decimal_commas:
    whether `0,5` is a half.
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
        """Where a row stands, for messages."""
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
        """Whether the first that a column holds is a number; text among numbers is an error that is told."""
        found = (
            number_of(value, has_decimal_commas=self.has_decimal_commas) for value in self.columns[column]
        )
        value = next((value for value in found if value is not None), None)
        return value is not None and not isinstance(value, str)


def number_of(value: Any, *, has_decimal_commas: bool = False) -> float | str | None:
    """A number as loggers write them, None for nothing, or the text where it is neither.

    `11.5%` is 11.5 (per cent), `tensor(2.3261)` is what it holds; `nan` and `inf` are numbers that are not finite.
    """
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    if isinstance(value, int | float):
        return float(value)
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


def _all_numbers(values: Sequence[Any]) -> list[float | None] | None:
    """All of a column at once, where it is nothing but plain numbers; a million rows take a moment then."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if any(value is None for value in values):
        return None
    return list(map(float, array)) if array.ndim == 1 else None


def whole(value: float) -> bool:
    """Whether a number is finite and whole."""
    return math.isfinite(value) and float(value).is_integer()
