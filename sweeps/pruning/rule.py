"""The base class of stop rules. A rule makes a verdict from a trial's rounds so far and from earlier, ended trials."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from sweeps.pruning.learning_curve import Curve
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop, TrialEnd


@dataclass(frozen=True)
class Watch:
    """What a rule knows of the study.

    budget: the most rounds of a trial. parallelism: the verdict on trial n depends only on its own rounds and on the
    trials 0 … n - parallelism, as its parameters do. So it is the same for any number of workers, and after a crash.
    """

    budget: int
    metric: Metric
    parallelism: int = 1


class StopRule(ABC):
    """Judges trials round by round. needs_earlier: whether `finished` must be called for every ended trial."""

    needs_earlier: ClassVar[bool] = False

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    @classmethod
    def named(cls, name: str, watch: Watch) -> Self:
        """The rule with this name in RULES. A class may have several names."""
        return cls(watch)

    @abstractmethod
    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """The verdict that ends trial `number` after the rounds in `curve`; None to continue. Called each round."""

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:  # noqa: B027 - most need not know
        """Take in an ended trial. If `needs_earlier`, it is called for every trial, after those it depends on."""


class NoRule(StopRule):
    """Never halts: every trial runs all its rounds."""

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """Always None."""
        return None
