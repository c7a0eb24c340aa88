"""Recognises `nan` that means "not measured", as in every second row, or in all rows without a validation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sweeps.diagnosis.curve_files.runs import Run

OFTEN = 1 / 3  # of the rounds up to the last finite figure
FEWEST = 3


def drop_alternating_nan(runs: Sequence[Run]) -> list[str]:
    """Replace `nan` by None in losses and scores that are often `nan` and continue with numbers; returns their names.

    Weights that are not finite stay so. So a loss that is `nan` in a third of the rounds, and finite later, was not
    measured in those rounds. pandas writes such tables.
    """
    found = []
    for run in runs:
        for figure, values in run.columns.items():
            cleaned = _cleaned(values) if figure.endswith(("_loss", "_score")) else None
            if cleaned is not None:
                run.columns[figure] = cleaned
                found.append(figure)
    return list(dict.fromkeys(found))


def _cleaned(values: Sequence[float | None]) -> list[float | None] | None:
    """The values with None for `nan`; None if only few are `nan`, or if no number follows them."""
    finite = [place for place, value in enumerate(values) if value is not None and math.isfinite(value)]
    last = finite[-1] if finite else -1
    odd = [place for place in range(last) if _is_nan(values[place])]
    if len(odd) < FEWEST or len(odd) < OFTEN * (last + 1):
        return None
    return [None if _is_nan(value) and place <= last + 1 else value for place, value in enumerate(values)]


def _is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)
