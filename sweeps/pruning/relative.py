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
    """How far a trial is believed to get.

    warm_up: share of the budget before which nothing is judged. damping: what a straight line is multiplied with, as
    curves flatten. errors: standard errors of the slope that are added to it. precedent: what part of the most that an
    earlier trial gained from that round on is granted; 0 to leave that look out. margin: by how many standard errors of
    the smoothed score the lead may be missed. jumps: how many standard deviations of the curve's own noise are granted:
    the best of a curve that jumps is a jump. chance: share of the budget that a trial at chance is given at least, and
    then still the most that an earlier trial needed. begun: share that a trial is given once it has left chance.
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
    """What the first trials of a study amount to. leader: its best scores by round, up to its end.

    most_gained[k]: the most that one of them that went on past round k has gained on its best score by then.
    latest_start: the most rounds that one of them needed to leave chance.
    """

    num_trials: int
    leader: FloatArray | None
    leader_number: int
    most_gained: FloatArray
    latest_start: int


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
        # By trial, the best scores up to each round, and the rounds to its start; None of a trial without a result.
        self._ended: dict[int, tuple[FloatArray, int] | None] = {}
        self._standings = [_Standing(0, None, -1, np.full(watch.budget + 1, -math.inf), 0)]

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:
        """Keep the best scores of a completed trial."""
        if state != "COMPLETE" or not len(curve):
            self._ended[number] = None
            return
        self._ended[number] = (curve.best_by_round, start_of_learning(curve, self.watch.budget) or 0)

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """Raises KeyError where a trial that this one depends on has not ended."""
        standing = self._standing(max(0, number - self.watch.parallelism + 1))
        stop = (self._near if self._is_near(curve, standing) else self._far).verdict(number, curve)
        if stop is not None or standing.leader is None or not is_due(len(curve), self.watch.budget):
            return stop
        looks, num_looks = looks_of(curve, self.watch.budget)
        if not len(looks) or looks.ends[-1] != len(curve) or not self._may_be_judged(curve, looks, standing):
            return None
        return self._inferior(looks, num_looks, standing)

    def _is_near(self, curve: Curve, standing: _Standing) -> bool:
        """Whether a trial has come so close to the lead that a little more would make it the best."""
        if standing.leader is None or not len(curve):
            return True
        best, jitter = float(curve.best_by_round[-1]), jitter_of(curve.valid_score)
        return not best < standing.leader[-1] - max(0.01 * _gained(standing.leader, curve), jitter)

    def _may_be_judged(self, curve: Curve, looks: Curve, standing: _Standing) -> bool:
        """Whether it has had its time: a part of the budget; and, to begin at all, as much as others needed."""
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
        """What the trials 0 … num_trials - 1 amount to; of late ones it is kept, as several trials run at once."""
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
    """`study`, bolder: it does not ask what other trials have gained."""

    reach: ClassVar[Reach] = Reach(
        warm_up=0.05, damping=0.25, errors=1.0, precedent=0.0, margin=1.0, jumps=3.0
    )


def _gained(leader: FloatArray, curve: Curve) -> float:
    """What the leader has gained over the floor, or over its first round where that is unknown."""
    known = leader[np.isfinite(leader)]
    return float(leader[-1] - (known[0] if math.isnan(curve.floor) else curve.floor))


def start_of_learning(curve: Curve, budget: int) -> int | None:
    """After how many rounds a score was first, twice in all, better than chance; None where none is yet.

    Where chance is not told: better than the first by far more than noise.
    """
    scores = curve.valid_score
    if math.isnan(curve.chance):
        least = float(scores[0]) + max(6 * noise_of(scores), 1e-9 * abs(float(scores[0])))
    else:
        least = curve.chance + margin_of_chance(curve, budget)
    better = np.flatnonzero(scores > least)
    return int(better[1]) + 1 if len(better) > 1 else None
