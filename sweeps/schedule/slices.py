"""Slices of trials, which a schedule chooses, and the state of each trial, from which it chooses them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.pruning.curves import jitter_of
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.relative import start_of_learning


@dataclass(frozen=True, slots=True)
class Slice:
    """Rounds of one trial that are trained without a pause: those after `start`, up to and including `end`."""

    trial: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TrialSoFar:
    """The state of a trial that a decision may use.

    best: the best score up to each known round; larger is better. error: the standard error of the best score, 0 if it
    is not known. goal: the round up to which earlier decisions let the trial train. is_busy: whether a slice of the
    trial was decided whose result is not known to the decisions yet. is_at_chance: whether it has learnt nothing yet.
    """

    number: int
    best: FloatArray
    error: float
    goal: int
    is_busy: bool = False
    is_ended: bool = False
    is_at_chance: bool = True

    @property
    def num_rounds(self) -> int:
        """How many rounds are known."""
        return len(self.best)

    @property
    def has_result(self) -> bool:
        """Whether any known score is finite."""
        return self.num_rounds > 0 and math.isfinite(float(self.best[-1]))

    @property
    def is_under_way(self) -> bool:
        """Whether the trial waits between two slices and has not reached its goal."""
        return not self.is_busy and not self.is_ended and self.num_rounds < self.goal

    @property
    def is_paused(self) -> bool:
        """Whether the trial has reached its goal and continues only if a decision moves the goal."""
        return not self.is_busy and not self.is_ended and self.num_rounds >= self.goal

    def best_at(self, num_rounds: int) -> float:
        """The best score of the first `num_rounds` rounds, or of all if fewer are known; minus infinity for none."""
        known = min(num_rounds, self.num_rounds)
        return float(self.best[known - 1]) if known > 0 else -math.inf


def so_far(number: int, curve: Curve | None, goal: int, budget: int, *, is_ended: bool) -> TrialSoFar:
    """The state of a trial whose known rounds are `curve`; a curve of None means that the trial has no result."""
    if curve is None or not len(curve):
        return TrialSoFar(number, np.zeros(0), 0.0, goal, is_ended=is_ended)
    error = float(curve.score_error[curve.best])
    return TrialSoFar(
        number,
        curve.best_by_round,
        error if error > 0 else jitter_of(curve.valid_score),
        goal,
        is_ended=is_ended,
        is_at_chance=start_of_learning(curve, budget) is None,
    )


def rungs_of(budget: int, first_share: float) -> list[int]:
    """The rounds at which a trial pauses, in order; each is twice the one before, and the last is `budget`.

    The first is `first_share` of the budget, and at least 2. A paused trial continues when the schedule chooses it.
    """
    rung = min(budget, max(2, math.ceil(first_share * budget)))
    rungs = [rung]
    while rung < budget:
        rung = min(budget, 2 * rung)
        rungs.append(rung)
    return rungs


def slice_rounds(budget: int, first: int) -> int:
    """The most rounds of a slice: a tenth of the budget, or `first` (the first rung) if that is more."""
    return max(first, math.ceil(0.1 * budget))


class Schedule(ABC):
    """Decides which trial gets the next slice. A pure function: it keeps nothing from one decision to the next."""

    def __init__(self, budget: int, first_share: float = 0.05) -> None:
        self.budget = budget
        self.rungs = rungs_of(budget, first_share)
        self._slice_rounds = slice_rounds(budget, self.rungs[0])

    def decide(self, trials: Sequence[TrialSoFar], *, can_begin: bool, began_last: bool) -> Slice | None:
        """The next slice; None if, by the known results, no trial may be trained.

        trials: all trials that have begun, by number. can_begin: whether a new trial may begin. began_last: whether the
        latest decision that set a new goal set it for a new trial.
        """
        for trial in trials:
            if trial.is_under_way:
                return self._towards(trial, trial.goal)
        if can_begin and self.begins(trials, began_last=began_last):
            return self._new(len(trials))
        chosen = self.promoted(trials)
        if chosen is not None:
            return self._towards(chosen, self.next_rung(chosen.num_rounds))
        return self._new(len(trials)) if can_begin else None

    @abstractmethod
    def begins(self, trials: Sequence[TrialSoFar], *, began_last: bool) -> bool:
        """Whether a new trial begins before any paused one continues."""

    @abstractmethod
    def promoted(self, trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
        """The paused trial that continues; None if none does."""

    def goal_of(self, chosen: Slice) -> int:
        """The rung to which a slice leads."""
        return self.next_rung(chosen.start)

    def next_rung(self, num_rounds: int) -> int:
        """The first rung above `num_rounds`."""
        return next(rung for rung in self.rungs if rung > num_rounds)

    def _towards(self, trial: TrialSoFar, goal: int) -> Slice:
        done = trial.num_rounds
        return Slice(trial.number, done, min(done + self._slice_rounds, goal))

    def _new(self, number: int) -> Slice:
        return Slice(number, 0, min(self._slice_rounds, self.rungs[0]))


def leader_of(trials: Sequence[TrialSoFar]) -> TrialSoFar | None:
    """The trial with the best known score, the lowest number among equals."""
    known = [trial for trial in trials if trial.has_result]
    return max(known, key=lambda trial: (trial.best[-1], -trial.number)) if known else None
