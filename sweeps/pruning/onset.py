"""The stop rule `onset`, which judges a trial by its own rounds only."""

from __future__ import annotations

from collections.abc import Callable

from sweeps.pruning.breakdown import collapsed, diverged, exploded
from sweeps.pruning.guards import DEFAULT, Guards
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.looks import is_due, looks_of
from sweeps.pruning.overfitting import overfitting
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.standstill import not_learning, plateau
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop


class OnsetRule(StopRule):
    """Halts a trial whose loss is not finite, that has collapsed, learns nothing, overfits, or has long stood still."""

    def __init__(self, watch: Watch, guards: Guards | None = None) -> None:
        super().__init__(watch)
        self._guards = guards or DEFAULT

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """The verdict; it depends on the trial's own rounds only."""
        return verdict(curve, self.watch.budget, self.watch.metric, self._guards)


def verdict(curve: Curve, budget: int, metric: Metric, guards: Guards = DEFAULT) -> Stop | None:
    """The verdict that ends a trial with these rounds, with reason and evidence; None if it continues."""
    stop = diverged(curve, budget, guards)
    if stop is not None or not is_due(len(curve), budget):
        return stop
    looks, num_looks = looks_of(curve, budget)
    if not len(looks) or looks.ends[-1] != len(curve):
        return None
    for judge in _JUDGES:
        stop = judge(looks, num_looks, metric, guards)
        if stop is not None:
            return stop
    return None


_JUDGES: tuple[Callable[[Curve, int, Metric, Guards], Stop | None], ...] = (
    exploded,
    collapsed,
    not_learning,
    overfitting,
    plateau,
)
