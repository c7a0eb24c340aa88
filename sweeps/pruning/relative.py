"""Stop rules that compare trials: they halt a trial that can't plausibly reach the study's best score any more.

Two estimates tell what a trial may still gain. The first extends its curve in a straight line: it adds the standard
error to the curve's recent slope, in the trial's favour, and takes half of the sum, because curves flatten. The second
is the largest gain of any earlier trial after the same round. The trial is halted if neither estimate brings it up to
the best score minus the score's noise, and if it is also worse than the leader was at that round.

In addition, each trial is judged as by `onset`: with longer waiting times if it is close to the best score, where a
wrong halt costs most, and with the usual ones if it is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sweeps.pruning.curves import jitter_of, moving_average, noise_of, slope_of, smoothing_window
from sweeps.pruning.guards import Guards
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.looks import is_due, looks_of
from sweeps.pruning.onset import OnsetRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.scale import margin_of_chance
from sweeps.trial.verdict import Stop, TrialEnd


@dataclass(frozen=True)
class Reach:
    """The parameters of the estimate of how far a trial may get.

    warm_up: share of the budget before which no trial is judged. damping: the factor by which the straight line's gain
    is multiplied, because curves flatten. errors: how many standard errors are added to the slope. precedent: the share
    of the largest gain of an earlier trial that is assumed for this one; 0 to omit this estimate. margin: by how many
    standard errors of the smoothed score a trial may miss the best score. jumps: how many standard deviations of the
    curve's noise are added, because the best value of a noisy curve is an outlier. chance: the least share of the
    budget that a trial at chance gets; it also gets as many rounds as any earlier trial needed to leave chance. begun:
    the share of the budget that a trial gets after it has left chance.
    """

    warm_up: float
    damping: float
    errors: float
    precedent: float
    margin: float
    jumps: float
    chance: float = 0.3
    begun: float = 0.05


@dataclass(frozen=True)
class _Standing:
    """A summary of the first `num_trials` trials of a study.

    leader: the best scores up to each round of the trial with the best score; None without one. most_gained[k]: the
    largest gain of any of these trials over its best score at round k. latest_start: the most rounds that any of them
    needed to leave chance.
    """

    num_trials: int
    leader: FloatArray | None
    leader_number: int
    most_gained: FloatArray
    latest_start: int


class StudyRule(StopRule):
    """Judges a trial as `onset` does, and also halts a trial that can't catch up with the best of the study."""

    needs_earlier: ClassVar[bool] = True
    near_guards: ClassVar[Guards] = Guards(overfitting=0.3, plateau=0.6)
    far_guards: ClassVar[Guards] = Guards()
    reach: ClassVar[Reach] = Reach(warm_up=0.1, damping=0.5, errors=1.0, precedent=1.0, margin=1.0, jumps=3.0)

    def __init__(self, watch: Watch, near: StopRule | None = None, far: StopRule | None = None) -> None:
        """near, far: the rules that judge a trial by itself: `near` if it is close to the best score, else `far`."""
        super().__init__(watch)
        self._near = near or OnsetRule(watch, self.near_guards)
        self._far = far or OnsetRule(watch, self.far_guards)
        # By trial: the best scores up to each round, and the rounds until it left chance; None if it has no result.
        self._ended: dict[int, tuple[FloatArray, int] | None] = {}
        self._standings = [_Standing(0, None, -1, np.full(watch.budget + 1, -math.inf), 0)]

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:
        """Keep the best scores of a completed trial."""
        if state != "COMPLETE" or not len(curve):
            self._ended[number] = None
            return
        self._ended[number] = (curve.best_by_round, start_of_learning(curve, self.watch.budget) or 0)

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """The verdict. Raises KeyError if a trial on which this one depends has not ended."""
        standing = self._standing(max(0, number - self.watch.parallelism + 1))
        stop = (self._near if self._is_near(curve, standing) else self._far).verdict(number, curve)
        if stop is not None or standing.leader is None or not is_due(len(curve), self.watch.budget):
            return stop
        looks, num_looks = looks_of(curve, self.watch.budget)
        if not len(looks) or looks.ends[-1] != len(curve) or not self._may_be_judged(curve, looks, standing):
            return None
        return self._inferior(looks, num_looks, standing)

    def _is_near(self, curve: Curve, standing: _Standing) -> bool:
        """Whether a trial's best score is so close to the study's best that a small gain would make it the best."""
        if standing.leader is None or not len(curve):
            return True
        best, jitter = float(curve.best_by_round[-1]), jitter_of(curve.valid_score)
        return not best < standing.leader[-1] - max(0.01 * _gained(standing.leader, curve), jitter)

    def _may_be_judged(self, curve: Curve, looks: Curve, standing: _Standing) -> bool:
        """Whether a trial has had its minimum time: a share of the budget, and the time that others needed to start."""
        budget, now = self.watch.budget, len(curve)
        warm_up = math.ceil(self.reach.warm_up * budget)
        if now < max(3, warm_up) or len(looks) < 3:
            return False
        start = start_of_learning(curve, budget)
        if start is None:
            return now >= max(math.ceil(self.reach.chance * budget), standing.latest_start + warm_up)
        return now >= start + math.ceil(self.reach.begun * budget)

    def _inferior(self, looks: Curve, budget: int, standing: _Standing) -> Stop | None:
        leader, reach, metric = standing.leader, self.reach, self.watch.metric
        assert leader is not None
        now, rounds = len(looks), int(looks.ends[-1])
        best = float(looks.valid_score[looks.best])
        window = smoothing_window(budget)
        smooth = float(moving_average(looks.valid_score, window)[-1])
        tolerance = jitter_of(looks.valid_score) / math.sqrt(window)
        to_beat = float(leader[-1]) - max(0.0025 * _gained(leader, looks), reach.margin * tolerance)
        slope, error = slope_of(looks.valid_score[-max(3, round(0.1 * budget)) :])
        drawn_on = max(0.0, slope + reach.errors * error) * (budget - now) * reach.damping
        reachable = max(best, smooth + reach.jumps * noise_of(looks.valid_score)) + drawn_on
        if reach.precedent > 0 and math.isfinite(standing.most_gained[rounds]):
            reachable = max(reachable, best + reach.precedent * float(standing.most_gained[rounds]))
        if not reachable < to_beat or not best < leader[min(rounds, len(leader)) - 1]:
            return None
        shown = {
            "valid_score": metric.oriented(best),
            "reachable": metric.oriented(reachable),
            "to_beat": metric.oriented(float(leader[-1])),
        }
        most = "at most" if metric.direction == "maximize" else "at least"
        because = (
            f"best {metric.name} so far {shown['valid_score']:.4g}; {most} {shown['reachable']:.4g} expected; "
            f"trial {standing.leader_number} has {shown['to_beat']:.4g}"
        )
        return Stop("inferior", rounds, {**shown, "leader": standing.leader_number}, because)

    def _standing(self, num_trials: int) -> _Standing:
        """The summary of the trials 0 … num_trials - 1. The latest ones are kept, as several trials run at once."""
        while self._standings[-1].num_trials < num_trials:
            latest = self._standings[-1]
            self._standings.append(self._with_next(latest))
        while self._standings[0].num_trials < self._standings[-1].num_trials - 2 * self.watch.parallelism:
            del self._standings[0]
        return self._standings[num_trials - self._standings[0].num_trials]

    def _with_next(self, standing: _Standing) -> _Standing:
        number = standing.num_trials
        ended = self._ended[number]
        if ended is None or not math.isfinite(ended[0][-1]):
            return replace(standing, num_trials=number + 1)
        best, start = ended
        gained = np.full(self.watch.budget + 1, -math.inf)
        gained[1 : len(best)] = np.where(np.isfinite(best[:-1]), best[-1] - best[:-1], -math.inf)
        leads = standing.leader is None or best[-1] > standing.leader[-1]
        return _Standing(
            number + 1,
            best if leads else standing.leader,
            number if leads else standing.leader_number,
            np.maximum(standing.most_gained, gained),
            max(standing.latest_start, start),
        )


class EagerRule(StudyRule):
    """As StudyRule, but it halts earlier: it does not consider how much other trials have gained."""

    reach: ClassVar[Reach] = Reach(
        warm_up=0.05, damping=0.25, errors=1.0, precedent=0.0, margin=1.0, jumps=3.0
    )


def _gained(leader: FloatArray, curve: Curve) -> float:
    """The leader's gain over the floor; if that is not known, over its first round."""
    known = leader[np.isfinite(leader)]
    return float(leader[-1] - (known[0] if math.isnan(curve.floor) else curve.floor))


def start_of_learning(curve: Curve, budget: int) -> int | None:
    """After how many rounds a score was better than chance for the second time; None if it was not.

    If chance is not known, the score must be better than the first one by far more than noise.
    """
    scores = curve.valid_score
    if math.isnan(curve.chance):
        least = float(scores[0]) + max(6 * noise_of(scores), 1e-9 * abs(float(scores[0])))
    else:
        least = curve.chance + margin_of_chance(curve, budget)
    better = np.flatnonzero(scores > least)
    return int(better[1]) + 1 if len(better) > 1 else None
