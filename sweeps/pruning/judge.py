"""Applies a stop rule for the driver: turns rounds into curves, and finishes a trial that has run all its rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from objectives import Round
from sweeps.pruning.learning_curve import curve_of
from sweeps.pruning.looks import is_due
from sweeps.pruning.rule import Watch
from sweeps.pruning.rules import make_rule
from sweeps.trial.verdict import SPOILT, Stop, TrialEnd


class Judge:
    """Decides when a trial ends, by the rule called `rule`.

    ends_by_itself: whether the number of rounds is not limited by the budget, but decided by the user's code.
    """

    def __init__(self, rule: str, watch: Watch, *, ends_by_itself: bool = False) -> None:
        self._watch = watch
        self._ends_by_itself = ends_by_itself
        self._rule = make_rule(rule, watch)

    @property
    def needs_earlier(self) -> bool:
        """Whether `finished` must be called for every finished trial, also for those of an earlier driver."""
        return self._rule.needs_earlier

    def verdict(self, number: int, rounds: Sequence[Round]) -> Stop | None:
        """The verdict that ends a trial after these rounds; None if it continues.

        At its last round, a trial is `finished` unless its training broke down. A long trial is not judged after each
        of its rounds (see `looks`), unless a loss is not finite.
        """
        if not is_due(len(rounds), self._watch.budget) and _is_finite(rounds[-1]):
            return None
        stop = self._rule.verdict(number, curve_of(rounds, self._watch.metric))
        if (
            self._ends_by_itself
            or len(rounds) < self._watch.budget
            or (stop is not None and stop.reason in SPOILT)
        ):
            return stop
        return Stop("finished", len(rounds), {}, "ran all its rounds")

    def finished(self, number: int, rounds: Sequence[Round], state: TrialEnd) -> None:
        """Tell the rule that a trial has ended. Stored trials must be passed first, in the order of their numbers."""
        if self.needs_earlier:
            self._rule.finished(number, curve_of(rounds, self._watch.metric), state)


def _is_finite(latest: Round) -> bool:
    losses = (latest.train_loss, latest.valid_loss, latest.running_loss)
    return all(loss is None or math.isfinite(loss) for loss in losses)
