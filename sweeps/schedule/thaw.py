"""The schedule `thaw`: a trial pauses at rungs, and continues while its worth and its rank are high enough.

*Worth*: by how much the trial is expected to improve the best score, in standard errors of the score, divided by the
share of the budget that its next slices need. The gain over the latest half of its rounds is extrapolated linearly in
the logarithm of the rounds, and discounted by the distance to the best score. *Rank*: how many trials had a better
score at the same round; the more rounds a trial has, the fewer are allowed. The leader always continues. A trial that
is still at chance continues for a minimum number of rounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.schedule.slices import Schedule, TrialSoFar, leader_of


@dataclass(frozen=True)
class Care:
    """The thresholds below which trials stay paused.

    first_rung: share of the budget before the first pause. rank: the share of all trials that may be better at the
    first rung; it halves as the rounds double. worth: the least worth with which a trial continues. steepness: the
    fraction of the recent gain that is expected again. chance: the share of the budget that a trial at chance gets.
    """

    first_rung: float = 0.05
    rank: float = 1.0
    worth: float = 0.1
    steepness: float = 0.2
    chance: float = 0.15


class Thaw(Schedule):
    """Chooses trials by rank and worth. With `alternates`, one new trial begins after each trial that continues."""

    def __init__(self, budget: int, care: Care | None = None, *, alternates: bool = True) -> None:
        self.care = care or Care()
        self._alternates = alternates
        super().__init__(budget, self.care.first_rung)

    def begins(self, trials: Sequence[TrialSoFar], *, began_last: bool) -> bool:
        """Whether a new trial begins: always without `alternates`; with it, unless a trial has just begun."""
        return not (began_last and self._alternates)

    def promoted(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        """The trial of the largest worth among those that may continue; of equal ones, that with the lowest number."""
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
    """The standard error of the leader's score; if it is not known, a hundredth of the range of all scores."""
    if leader.error > 0:
        return leader.error
    known = [float(score) for trial in trials for score in trial.best[np.isfinite(trial.best)]]
    span = max(known) - min(known)
    return 0.01 * span if span > 0 else 1.0
