"""Between the driver and a stop rule: rounds become curves, and a trial that has run its budget is finished."""

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
    """Says when a trial ends, by the rule called `rule`. ends_by_itself: whether a trial has no number of rounds."""

    def __init__(self, rule: str, watch: Watch, *, ends_by_itself: bool = False) -> None:
        self._watch = watch
        self._ends_by_itself = ends_by_itself
        self._rule = make_rule(rule, watch)

    @property
    def needs_earlier(self) -> bool:
        """Whether it must be told of every finished trial, also of those of an earlier driver."""
        return self._rule.needs_earlier

    def verdict(self, number: int, rounds: Sequence[Round]) -> Stop | None:
        """Whether a trial ends after these rounds; at its last one it is finished, or spoilt.

        A long trial is not judged after each of its rounds (see `looks`), but for what is not finite.
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
        """A trial has ended; told in the order of numbers of what was stored before."""
        if self.needs_earlier:
            self._rule.finished(number, curve_of(rounds, self._watch.metric), state)


def _is_finite(latest: Round) -> bool:
    losses = (latest.train_loss, latest.valid_loss, latest.running_loss)
    return all(loss is None or math.isfinite(loss) for loss in losses)
