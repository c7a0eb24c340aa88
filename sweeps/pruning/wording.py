"""Figures in the sentences of a verdict or a diagnosis: those that differ are shown so that they do."""

from __future__ import annotations

from sweeps.pruning.learning_curve import Curve


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
