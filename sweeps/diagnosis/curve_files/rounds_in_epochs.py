"""Numbers the rounds of a run whose steps begin again in every epoch, so that a round is an epoch and a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sweeps.diagnosis.curve_files.column_names import ROUNDS
from sweeps.diagnosis.curve_files.columns import Taken
from sweeps.diagnosis.curve_files.table import Table


def in_order(table: Table, taken: Taken, given: Mapping[str, str]) -> tuple[Table, Taken]:
    """The table with an additional column that counts its rounds, if the steps begin again when the epoch increases.

    Else, or if `--columns` names the rounds or a column names the trials, table and columns stay as they are.
    """
    if taken.round is None or taken.trial is not None or "round" in given:
        return table, taken
    steps = table.numbers(taken.round)
    lower = {name.lower(): name for name in table.columns}
    for outer in (lower[name] for name in ROUNDS if name in lower and lower[name] != taken.round):
        if not table.is_numeric(outer):
            continue
        epochs = table.numbers(outer)
        if _is_nested(steps, epochs, table.starts):
            counted = _counted(steps, epochs, table.starts)
            name = f"{outer}/{taken.round}"
            return replace(table, columns={**table.columns, name: counted}), replace(taken, round=name)
    return table, taken


def _is_nested(steps: list[float | None], epochs: list[float | None], starts: frozenset[int]) -> bool:
    """Whether the step decreases somewhere, and the epoch increases wherever it does, except where a new run begins."""
    has_nested = False
    for row in range(1, len(steps)):
        step, before, epoch, latest = steps[row], steps[row - 1], epochs[row], epochs[row - 1]
        if step is None or before is None or epoch is None or latest is None:
            return False
        if step > before or row in starts or epoch < latest:
            continue
        if step < before and epoch > latest:
            has_nested = True
        elif (step, epoch) != (before, latest):
            return False
    return has_nested


def _counted(steps: list[float | None], epochs: list[float | None], starts: frozenset[int]) -> list[float]:
    """The rounds of each run, counted from 1; rows of one epoch and step are one round."""
    found: list[float] = []
    for row, pair in enumerate(zip(epochs, steps, strict=True)):
        latest = (epochs[row - 1], steps[row - 1]) if row else (None, None)
        if row == 0 or row in starts or (pair[0] or 0) < (latest[0] or 0):
            found.append(1.0)
        else:
            found.append(found[-1] + (pair != latest))
    return found
