"""Formats numbers and names for the sentences of a verdict or a diagnosis."""

from __future__ import annotations

import re

from sweeps.pruning.learning_curve import Curve

HELD_OUT = re.compile(r"val|test|eval|dev", re.IGNORECASE)


def apart(first: float, second: float) -> tuple[str, str]:
    """Both numbers with three digits, or with as many digits as are needed to see a difference."""
    for digits in range(3, 17):
        shown = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return f"{first:.3g}", f"{second:.3g}"


def since_round(curve: Curve, position: int) -> str:
    """`since round 12`, with the number that the curve's source gives the round."""
    return f"since round {int(curve.numbers[position])}"


def of_validation(metric: str) -> str:
    """`validation accuracy` for `accuracy`; a name that already says `val`, `test`, `eval` or `dev` stays as it is."""
    return metric if HELD_OUT.search(metric) else f"validation {metric}"
