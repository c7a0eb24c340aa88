"""Successive halving with pauses: at each rung the best half of the trials continues, and the others stay paused.

Asynchronous (ASHA, Li et al. 2020, arXiv:1810.05934): a trial continues as soon as it belongs to the best half of those
that have reached its rung. A paused trial can continue later. The benchmarks compare `thaw` with these schedules.
"""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.schedule.slices import Schedule, TrialSoFar, leader_of


class Asha(Schedule):
    """Promotes trials from the highest rung down; a new trial begins if none can be promoted.

    When no other trial can be trained, the leader is trained to its end. is_synchronous: whether all trials must begin
    before the first one is promoted.
    """

    def __init__(self, budget: int, first_share: float = 0.05, *, is_synchronous: bool = False) -> None:
        super().__init__(budget, first_share)
        self._is_synchronous = is_synchronous

    def begins(self, trials: Sequence[TrialSoFar], *, began_last: bool) -> bool:
        """Asynchronous: whether no paused trial can be promoted. Synchronous: always true."""
        return self._is_synchronous or self._of_best_half(trials) is None

    def promoted(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        """A trial among the best half at its rung; else the leader, once no trial is in training or below its goal."""
        chosen = self._of_best_half(trials)
        if chosen is not None or any(trial.is_busy or trial.is_under_way for trial in trials):
            return chosen
        leader = leader_of(trials)
        is_paused = leader is not None and leader.is_paused and leader.num_rounds < self.budget
        return leader if is_paused else None

    def _of_best_half(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        for rung in reversed(self.rungs[:-1]):
            there = [
                trial for trial in trials if trial.num_rounds >= rung or (trial.is_ended and trial.has_result)
            ]
            if self._is_synchronous and any(trial.goal == rung and trial.is_busy for trial in trials):
                continue
            best = sorted(there, key=lambda trial: (-trial.best_at(rung), trial.number))[: len(there) // 2]
            for trial in best:
                if trial.is_paused and trial.num_rounds == rung and trial.has_result:
                    return trial
        return None


class BestFew(Schedule):
    """Each trial trains to the first rung; then the best `few` train to their end (i-Epoch, Egele et al. 2024)."""

    def __init__(self, budget: int, first_share: float = 0.05, few: int = 5) -> None:
        super().__init__(budget, first_share)
        self.rungs = [self.rungs[0]] if self.rungs[0] >= budget else [self.rungs[0], budget]
        self._few = few

    def begins(self, trials: Sequence[TrialSoFar], *, began_last: bool) -> bool:
        """Always true: all trials begin before one is promoted."""
        return True

    def promoted(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        """The best of the paused trials that are among the best `few` at the first rung.

        None while any trial is still being trained towards the first rung.
        """
        first = self.rungs[0]
        if any(trial.is_busy and trial.goal == first for trial in trials):
            return None
        known = [trial for trial in trials if trial.has_result]
        best = sorted(known, key=lambda trial: (-trial.best_at(first), trial.number))[: self._few]
        going = [trial for trial in best if trial.is_paused and trial.num_rounds < self.budget]
        return going[0] if going else None
