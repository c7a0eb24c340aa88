"""Stop rules from the literature and from common practice, to compare ours with. They see only past rounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.rule import StopRule, Watch
from sweeps.trial.verdict import Stop

STRIP = 5  # rounds, in Prechelt's rules


class Reference(StopRule):
    """A rule that halts a trial when a condition holds for its rounds so far."""

    def __init__(self, watch: Watch, holds: Callable[[Curve], bool]) -> None:
        super().__init__(watch)
        self._holds = holds

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        return Stop("plateau", len(curve)) if self._holds(curve) else None


def patience_on_loss(rounds: int) -> Callable[[Curve], bool]:
    """The condition of no new lowest validation loss for `rounds` rounds."""
    return lambda curve: len(curve) - 1 - _lowest(curve) >= rounds


def patience_on_score(rounds: int) -> Callable[[Curve], bool]:
    """The condition of no new best score for `rounds` rounds."""
    return lambda curve: len(curve) - 1 - curve.best >= rounds


def generalization_loss(alpha: float) -> Callable[[Curve], bool]:
    """GL: validation loss is more than alpha per cent above its lowest (Prechelt 1998)."""
    return lambda curve: _generalization_loss(curve) > alpha


def progress_quotient(alpha: float) -> Callable[[Curve], bool]:
    """PQ: GL over the training progress of the latest strip, in per mille, exceeds alpha (Prechelt 1998)."""

    def holds(curve: Curve) -> bool:
        if len(curve) < STRIP:
            return False
        strip = curve.train_loss[-STRIP:]
        if not np.isfinite(strip).all() or strip.min() <= 0:
            return False
        progress = 1000 * (strip.mean() / strip.min() - 1)
        return bool(progress > 0 and _generalization_loss(curve) / progress > alpha)

    return holds


def successive_rises(strips: int) -> Callable[[Curve], bool]:
    """UP: validation loss rose from strip to strip, `strips` times in a row (Prechelt 1998)."""

    def holds(curve: Curve) -> bool:
        if len(curve) % STRIP or len(curve) < STRIP * (strips + 1):
            return False
        ends = curve.valid_loss[STRIP - 1 :: STRIP][-strips - 1 :]
        return bool((np.diff(ends) > 0).all())

    return holds


REFERENCES: dict[str, Callable[[Curve], bool]] = {
    **{f"patience {k} on loss": patience_on_loss(k) for k in (3, 5, 10)},
    **{f"patience {k} on score": patience_on_score(k) for k in (3, 5, 10)},
    **{f"GL {alpha}": generalization_loss(alpha) for alpha in (1, 5, 20)},
    **{f"PQ {alpha}": progress_quotient(alpha) for alpha in (0.5, 1)},
    **{f"UP {strips}": successive_rises(strips) for strips in (2, 3)},
}


def _lowest(curve: Curve) -> int:
    return int(np.argmin(np.where(np.isfinite(curve.valid_loss), curve.valid_loss, math.inf)))


def _generalization_loss(curve: Curve) -> float:
    lowest = float(curve.valid_loss[_lowest(curve)])
    return 100 * (float(curve.valid_loss[-1]) / lowest - 1) if lowest > 0 else 0.0
