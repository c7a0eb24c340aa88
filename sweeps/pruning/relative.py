"""Stop rules relative to the study: a trial that can't plausibly reach the best so far any more is halted.

Two looks at what a trial may still gain: its own recent gain drawn on in a straight line, flattened and with its
uncertainty; and the most that an earlier trial, past the same round, has gained from there on. It is halted when
neither takes it to the lead less the noise of the score, and when it is behind where the leader was at that round.
By itself a trial is judged as by `onset`, but with more patience near the lead, where a wrong halt costs, and with less
away from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sweeps.pruning.curves import moving_average, noise_of, smoothing_window
from sweeps.pruning.learning_curve import Curve, FloatArray
from sweeps.pruning.onset import Guards, OnsetRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.trial.verdict import Stop, TrialEnd


@dataclass(frozen=True)
class Reach:
    """How far a trial is believed to get.

    warm_up: share of the budget before which nothing is judged. damping: what a straight line is multiplied with, as
    curves flatten. errors: standard errors of the slope that are added to it. precedent: what part of the most that an
    earlier trial gained from that round on is granted; 0 to leave that look out. margin: by how many standard errors of
    the smoothed score the lead may be missed. jumps: how many standard deviations of the curve's own noise are granted:
    the best of a curve that jumps is a jump.
    """

    warm_up: float
    damping: float
    errors: float
    precedent: float
    margin: float
    jumps: float


@dataclass(frozen=True)
class _Standing:
    """What the first trials of a study amount to. leader: its best scores by round, up to its end.

    most_gained[k]: the most that one of them that went on past round k has gained on its best score by then.
    """

    num_trials: int
    leader: FloatArray | None
    leader_number: int
    most_gained: FloatArray


class StudyRule(StopRule):
    """`onset`, and halts what can't catch up with the best of the study."""

    needs_earlier: ClassVar[bool] = True
    near_guards: ClassVar[Guards] = Guards(overfitting=0.3, plateau=0.6)
    far_guards: ClassVar[Guards] = Guards()
    reach: ClassVar[Reach] = Reach(warm_up=0.1, damping=0.5, errors=1.0, precedent=1.0, margin=1.0, jumps=3.0)

    def __init__(self, watch: Watch, near: StopRule | None = None, far: StopRule | None = None) -> None:
        """near, far: what judges by itself a trial that may become the best, and one that is away from it."""
        super().__init__(watch)
        self._near = near or OnsetRule(watch, self.near_guards)
        self._far = far or OnsetRule(watch, self.far_guards)
        # By trial, the best scores up to each round; None of a trial without a result.
        self._ended: dict[int, FloatArray | None] = {}
        self._standings = [_Standing(0, None, -1, np.full(watch.budget + 1, -math.inf))]

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:
        """Keep the best scores of a completed trial."""
        best = np.maximum.accumulate(np.where(np.isfinite(curve.valid_score), curve.valid_score, -math.inf))
        self._ended[number] = best if state == "COMPLETE" else None

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """Raises KeyError where a trial that this one depends on has not ended."""
        standing = self._standing(max(0, number - self.watch.parallelism + 1))
        stop = (self._near if self._is_near(curve, standing) else self._far).verdict(number, curve)
        if stop is not None:
            return stop
        now, budget = len(curve), self.watch.budget
        if standing.leader is None or now < max(3, math.ceil(self.reach.warm_up * budget)):
            return None
        return self._inferior(curve, standing)

    def _is_near(self, curve: Curve, standing: _Standing) -> bool:
        """Whether a trial has come so close to the lead that a little more would make it the best."""
        if standing.leader is None:
            return True
        best, error = float(curve.valid_score[curve.best]), float(np.median(curve.score_error))
        return not best < standing.leader[-1] - max(0.01 * _gained(standing.leader, curve), error)

    def _inferior(self, curve: Curve, standing: _Standing) -> Stop | None:
        leader, budget, reach = standing.leader, self.watch.budget, self.reach
        assert leader is not None
        now = len(curve)
        best = float(curve.valid_score[curve.best])
        window = smoothing_window(budget)
        smooth = float(moving_average(curve.valid_score, window)[-1])
        noise = float(np.median(curve.score_error)) / math.sqrt(window)
        to_beat = float(leader[-1]) - max(0.0025 * _gained(leader, curve), reach.margin * noise)
        slope, error = _slope(curve.valid_score[-max(3, round(0.1 * budget)) :])
        drawn_on = max(0.0, slope + reach.errors * error) * (budget - now) * reach.damping
        reachable = max(best, smooth + reach.jumps * noise_of(curve.valid_score)) + drawn_on
        if reach.precedent > 0 and math.isfinite(standing.most_gained[now]):
            reachable = max(reachable, best + reach.precedent * float(standing.most_gained[now]))
        if not reachable < to_beat or not best < leader[min(now, len(leader)) - 1]:
            return None
        metric = self.watch.metric
        shown = {
            "valid_score": metric.oriented(best),
            "reachable": metric.oriented(reachable),
            "to_beat": metric.oriented(float(leader[-1])),
        }
        because = (
            f"{metric.name} of {shown['valid_score']:.4g} after {now} rounds may still become "
            f"{shown['reachable']:.4g}, and trial {standing.leader_number} has {shown['to_beat']:.4g}"
        )
        return Stop("inferior", now, {**shown, "leader": standing.leader_number}, because)

    def _standing(self, num_trials: int) -> _Standing:
        """What the trials 0 … num_trials - 1 amount to; of late ones it is kept, as several trials run at once."""
        while self._standings[-1].num_trials < num_trials:
            latest = self._standings[-1]
            self._standings.append(self._with_next(latest))
        while self._standings[0].num_trials < self._standings[-1].num_trials - 2 * self.watch.parallelism:
            del self._standings[0]
        return self._standings[num_trials - self._standings[0].num_trials]

    def _with_next(self, standing: _Standing) -> _Standing:
        number = standing.num_trials
        best = self._ended[number]
        if best is None or not math.isfinite(best[-1]):
            return replace(standing, num_trials=number + 1)
        gained = np.full(self.watch.budget + 1, -math.inf)
        gained[1 : len(best)] = np.where(np.isfinite(best[:-1]), best[-1] - best[:-1], -math.inf)
        leads = standing.leader is None or best[-1] > standing.leader[-1]
        return _Standing(
            number + 1,
            best if leads else standing.leader,
            number if leads else standing.leader_number,
            np.maximum(standing.most_gained, gained),
        )


class EagerRule(StudyRule):
    """`study`, bolder: it does not ask what other trials have gained."""

    reach: ClassVar[Reach] = Reach(
        warm_up=0.05, damping=0.25, errors=1.0, precedent=0.0, margin=1.0, jumps=3.0
    )


def _gained(leader: FloatArray, curve: Curve) -> float:
    """What the leader has gained over chance, or over its first round where chance is unknown."""
    return float(leader[-1] - (leader[0] if math.isnan(curve.chance) else curve.chance))


def _slope(scores: FloatArray) -> tuple[float, float]:
    """Of a straight line through the scores, a round: its slope and that one's standard error (least squares)."""
    rounds = np.arange(len(scores)) - (len(scores) - 1) / 2
    squares = float((rounds**2).sum())
    slope = float((rounds * (scores - scores.mean())).sum()) / squares
    residuals = scores - scores.mean() - slope * rounds
    return slope, math.sqrt(float((residuals**2).sum()) / max(1, len(scores) - 2) / squares)
