"""Figures in the sentences of a verdict or a diagnosis: those that differ are shown so that they do."""

from __future__ import annotations

import re

from sweeps.pruning.learning_curve import Curve

HELD_OUT = re.compile(r"val|test|eval|dev", re.IGNORECASE)


def apart(first: float, second: float) -> tuple[str, str]:
    """Both numbers with three digits, or with as many as tell them apart."""
    for digits in range(3, 17):
        shown = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return f"{first:.3g}", f"{second:.3g}"


def since_round(curve: Curve, position: int) -> str:
    """`since round 12`, as the curve's source counts."""
    return f"since round {int(curve.numbers[position])}"


def of_validation(metric: str) -> str:
    """`validation accuracy`; a column's own name where it already says that it is of held-out rows."""
    return metric if HELD_OUT.search(metric) else f"validation {metric}"
