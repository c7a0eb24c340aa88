"""What a stop rule is: from the rounds of a trial so far, and from trials long finished, to a verdict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from sweeps.pruning.learning_curve import Curve
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop, TrialEnd


@dataclass(frozen=True)
class Watch:
    """What a rule watches over.

    budget: rounds of a trial. parallelism: trial n is judged by itself and the trials 0 … n - parallelism, as it is
    chosen by them: so a verdict is the same on any number of workers, and after a crash.
    """

    budget: int
    metric: Metric
    parallelism: int = 1


class StopRule(ABC):
    """Judges trials round by round. needs_earlier: whether it has to be told of finished trials."""

    needs_earlier: ClassVar[bool] = False

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    @classmethod
    def named(cls, name: str, watch: Watch) -> Self:
        """The rule that `name` stands for in RULES; a class may have several names."""
        return cls(watch)

    @abstractmethod
    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """Whether trial `number`, whose rounds so far are `curve`, ends here; called for every round in turn."""

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:  # noqa: B027 - most need not know
        """A trial has ended; where `needs_earlier`, told of every trial, and not before those it depends on."""


class NoRule(StopRule):
    """Never halts: every trial runs all its rounds."""

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """None."""
        return None
