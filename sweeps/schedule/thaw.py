"""The schedule `thaw`: a trial pauses at rungs, and goes on while it ranks well and is worth its rounds.

*Worth*: what the trial is expected to add to the lead for each share of the budget that it takes, in standard errors of
the score. Its gain over the latest half of its rounds is drawn on along the logarithm of the rounds; how far it lies
behind the lead discounts that. *Rank*: the further a trial has come, the fewer others may be better than it was at that
round. The leader always goes on; a trial that has not left chance is given time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.schedule.slices import Schedule, TrialSoFar, leader_of


@dataclass(frozen=True)
class Care:
    """How carefully trials are left paused.

    first_rung: share of the budget before the first pause. rank: the share of all trials that may be better at the
    first rung; it halves as the rounds double. worth: the least worth that goes on. steepness: the part of the recent
    gain that is expected again. chance: share of the budget that a trial gets to leave chance.
    """

    first_rung: float = 0.05
    rank: float = 1.0
    worth: float = 0.1
    steepness: float = 0.2
    chance: float = 0.15


class Thaw(Schedule):
    """Rank and worth; after each trial that goes on, one new trial begins."""

    def __init__(self, budget: int, care: Care | None = None, *, alternates: bool = True) -> None:
        self.care = care or Care()
        self._alternates = alternates
        super().__init__(budget, self.care.first_rung)

    def begins(self, trials: Sequence[TrialSoFar], *, began_last: bool) -> bool:
        """A new trial begins unless one has just begun."""
        return not (began_last and self._alternates)

    def promoted(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        """The trial of the largest worth among those that go on; the lowest number among equals."""
        leader = leader_of(trials)
        paused = [trial for trial in trials if trial.is_paused and trial.num_rounds < self.budget]
        if leader is None or not paused:
            return None
        error = _error(leader, trials)
        worths = {trial.number: self._worth(trial, leader, error) for trial in paused}
        going = [
            trial for trial in paused if self._goes_on(trial, leader, trials, error, worths[trial.number])
        ]
        return max(going, key=lambda trial: (worths[trial.number], -trial.number)) if going else None

    def _goes_on(
        self, trial: TrialSoFar, leader: TrialSoFar, trials: Sequence[TrialSoFar], error: float, worth: float
    ) -> bool:
        if trial.number == leader.number or self._is_given_time(trial):
            return True
        return worth >= self.care.worth and self._ranks_well(trial, trials, error)

    def _worth(self, trial: TrialSoFar, leader: TrialSoFar, error: float) -> float:
        rounds = trial.num_rounds
        if self._is_given_time(trial) or not trial.has_result:
            return self.care.worth
        best, before = trial.best_at(rounds), trial.best_at(max(1, rounds // 2))
        gained = best - before if math.isfinite(before) else 0.0
        expected = self.care.steepness * (gained + error) * math.log2(self.budget / rounds)
        behind = 0.0 if best >= leader.best_at(rounds) else float(leader.best[-1]) - best
        cost = (self.next_rung(rounds) - rounds) / self.budget
        return expected * math.exp(-behind / expected) / (error * cost)

    def _is_given_time(self, trial: TrialSoFar) -> bool:
        return trial.is_at_chance and trial.num_rounds < self.care.chance * self.budget

    def _ranks_well(self, trial: TrialSoFar, trials: Sequence[TrialSoFar], error: float) -> bool:
        rounds = trial.num_rounds
        rivals = np.array([other.best_at(rounds) for other in trials if other.has_result])
        beaten_by = int((rivals > trial.best_at(rounds) + error).sum())
        return beaten_by < min(1.0, self.care.rank * self.rungs[0] / rounds) * len(rivals)


def _error(leader: TrialSoFar, trials: Sequence[TrialSoFar]) -> float:
    """The standard error of a score at the lead; where it is not known, a hundredth of what the scores span."""
    if leader.error > 0:
        return leader.error
    known = [float(score) for trial in trials for score in trial.best[np.isfinite(trial.best)]]
    span = max(known) - min(known)
    return 0.01 * span if span > 0 else 1.0
