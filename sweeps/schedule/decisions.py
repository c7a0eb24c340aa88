"""The decisions of a study about what to train next, in order. A slice is a part of a trial, of some rounds.

Decision k depends only on the results of the slices of the decisions 0 … k - parallelism. So the decisions are the same
for any number of workers, and a driver that takes over a study makes them again from the stored rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.schedule.slices import Schedule, Slice, TrialSoFar, so_far


@dataclass(frozen=True)
class Result:
    """The result of a slice.

    curve: the trial's curve up to the end of the slice; None if the trial has failed. is_ended: whether the trial has
    ended with this slice.
    """

    curve: Curve | None
    is_ended: bool


class Decisions:
    """The decisions so far. num_trials: how many trials may begin; it may grow."""

    def __init__(self, schedule: Schedule, *, parallelism: int, num_trials: int) -> None:
        self.num_trials = num_trials
        self._schedule = schedule
        self._parallelism = parallelism
        self._made: list[Slice | None] = []  # None: the known results let no trial be trained
        self._results: dict[int, Result] = {}
        self._num_known = 0
        self._known: list[TrialSoFar] = []
        self._began_last = False

    def __len__(self) -> int:
        return len(self._made)

    @property
    def known(self) -> Sequence[TrialSoFar]:
        """The known state of each trial, by number, on which the latest decision was based."""
        return self._known

    @property
    def is_open(self) -> bool:
        """Whether the next decision can be made: all results that it depends on have been reported."""
        needed = range(self._num_known, len(self._made) - self._parallelism + 1)
        return all(self._made[k] is None or k in self._results for k in needed)

    @property
    def is_over(self) -> bool:
        """Whether no later decision can lead to a slice."""
        idle = self._made[-self._parallelism :]
        return len(idle) == self._parallelism and all(each is None for each in idle) and not self._may_begin

    def decide(self) -> tuple[int, Slice | None]:
        """Make the next decision. Returns its number and its slice, or None for no slice. Requires `is_open`."""
        assert self.is_open
        self._learn(len(self._made) - self._parallelism)
        chosen = self._schedule.decide(self._known, can_begin=self._may_begin, began_last=self._began_last)
        if chosen is not None:
            self._note(chosen)
        self._made.append(chosen)
        return len(self._made) - 1, chosen

    def report(self, decision: int, result: Result) -> None:
        """Record the result of a decision's slice."""
        self._results[decision] = result

    @property
    def _may_begin(self) -> bool:
        return len(self._known) < self.num_trials

    def _note(self, chosen: Slice) -> None:
        """Mark the trial as busy, and remember whether this decision began a trial or moved a trial's goal."""
        goal = self._schedule.goal_of(chosen)
        if chosen.start == 0:
            self._known.append(TrialSoFar(chosen.trial, _NONE, 0.0, goal, is_busy=True))
            self._began_last = True
            return
        before = self._known[chosen.trial]
        if goal != before.goal:
            self._began_last = False
        self._known[chosen.trial] = replace(before, goal=goal, is_busy=True)

    def _learn(self, up_to: int) -> None:
        """Take in the results of the decisions 0 … up_to."""
        while self._num_known <= up_to:
            made = self._made[self._num_known]
            if made is not None:
                result, goal = self._results.pop(self._num_known), self._known[made.trial].goal
                self._known[made.trial] = so_far(
                    made.trial, result.curve, goal, self._schedule.budget, is_ended=result.is_ended
                )
            self._num_known += 1


_NONE: FloatArray = np.zeros(0)
