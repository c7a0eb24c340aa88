"""The table that every reader of curve files returns: columns of text or numbers, and the line of each row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sweeps.errors import UsageError

Commas = Literal["decimals", "thousands", "none"]

MISSING = frozenset({"", "na", "n/a", "none", "null", "-", "--", "<na>", "?"})
NOT_FINITE = {  # as C and its libraries print them
    "-nan": math.nan,
    "-nan(ind)": math.nan,
    "nan(ind)": math.nan,
    "1.#qnan": math.nan,
    "-1.#ind": math.nan,
    "1.#inf": math.inf,
    "-1.#inf": -math.inf,
}
_TF_TENSOR = re.compile(r"<tf\.Tensor.*numpy=([^,>]+).*>", re.DOTALL)
_WRAPPED = re.compile(
    r"[\w.]*[(\[]{1,3}\s*([^\s,()\[\]]+)\s*(,.*)?[)\]]{1,3}", re.DOTALL
)  # tensor(2.3), [2.3] …
_COMMA = re.compile(r"[+-]?[\d.]*,\d+(?:[eE][+-]?\d+)?")
_FORTRAN = re.compile(r"([+-]?[\d.]+)[dD]([+-]?\d+)")


@dataclass(frozen=True)
class Table:
    """Rows in the order of the file.

    columns: by name, one value for each row: text, a number, or None. lines: the line of each row in the file. format:
    the name of the file's format, for messages. starts: the rows at which a new run begins, such as those after another
    header. commas: what a comma within a number means: in `decimals`, `0,5` means 0.5; in `thousands`, `1,200` means
    1200. notes: sentences that tell what is not used.
    """

    path: Path | str
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int]
    format: str
    starts: frozenset[int] = field(default_factory=frozenset)
    commas: Commas = "none"
    notes: Sequence[str] = ()

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
        found = number_of(value, commas=self.commas)
        if isinstance(found, str):
            raise UsageError(f"{self.place(row)}: {column}: {found!r} is not a number.")
        return found

    def is_numeric(self, column: str) -> bool:
        """Whether the first value of a column is a number. Later text in it is an error, which `numbers` raises."""
        found = (number_of(value, commas=self.commas) for value in self.columns[column])
        value = next((value for value in found if value is not None), None)
        return value is not None and not isinstance(value, str)


def number_of(value: Any, *, commas: Commas = "none") -> float | str | None:
    """The number that a logger wrote; None for an empty value; the text itself if it is neither.

    `11.5%` gives 11.5 (per cent), and `tensor(2.3261)` and `[2.3261]` give 2.3261. `nan` and `inf` give the floats of
    that name.
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
    if text.lower() in NOT_FINITE:
        return NOT_FINITE[text.lower()]
    wrapped = _TF_TENSOR.fullmatch(text) or _WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped[1]
    try:
        return float(_plain(text.removesuffix("%").strip(), commas))
    except ValueError:
        return value.strip()


def _as_float(value: float) -> float:
    """The number as a float; infinity if it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _plain(text: str, commas: Commas) -> str:
    """A number as Python writes it."""
    if commas == "decimals" and _COMMA.fullmatch(text):
        whole_part, _, decimals = text.partition(",")
        return f"{whole_part.replace('.', '')}.{decimals}"
    if commas == "thousands":
        return text.replace(",", "")
    return _FORTRAN.sub(r"\1e\2", text)


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
