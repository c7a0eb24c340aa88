"""Stop rules that call Optuna's own pruners. A pruner sees only the trials on which a verdict may depend."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import ClassVar, Self

import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.rule import StopRule, Watch
from sweeps.trial.verdict import Stop, TrialEnd

# With Optuna's defaults, but for the `min_resource` of halving: Optuna would choose this value when a first trial has
# run its whole budget. Here the budget is known from the start, so the value does not depend on any trial.
PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "median": lambda budget: MedianPruner(),
    "percentile": lambda budget: PercentilePruner(25.0),
    "halving": lambda budget: SuccessiveHalvingPruner(min_resource=max(budget // 100, 1)),
    "hyperband": lambda budget: HyperbandPruner(max_resource=budget),
    "patient": lambda budget: _patient(max(1, round(0.1 * budget))),
}


def _patient(patience: int) -> BasePruner:
    """The median pruner, applied only after `patience` rounds without an improvement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return PatientPruner(MedianPruner(), patience=patience)


class OptunaRule(StopRule):
    """A stop rule that calls one of Optuna's pruners.

    Trials whose numbers differ by a multiple of the parallelism are judged in one study in memory, which grows from one
    trial to the next. Trials that may run at the same time are in it as RUNNING, without a value, so that the trials'
    numbers are right.
    """

    needs_earlier: ClassVar[bool] = True

    def __init__(self, watch: Watch, name: str) -> None:
        super().__init__(watch)
        self._name = name
        self._pruner = PRUNERS[name](watch.budget)
        self._ended: dict[int, tuple[Curve, TrialEnd, dict[str, float]]] = {}
        self._lanes = [_Lane() for _ in range(watch.parallelism)]

    @classmethod
    def named(cls, name: str, watch: Watch) -> Self:
        """The rule of that name."""
        return cls(watch, name)

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """The verdict. Raises KeyError if a trial on which this one depends has not ended."""
        lane = self._lanes[number % self.watch.parallelism]
        for earlier in range(lane.num_ended, max(lane.num_ended, number - self.watch.parallelism + 1)):
            lane.end(earlier, *self._ended[earlier])
        halted = lane.shows(number, curve, self._pruner)
        if not halted:
            return None
        score = self.watch.metric.oriented(float(curve.valid_score[-1]))
        because = f"Optuna's {self._name} pruner would prune it at {self.watch.metric.name} {score:.4g}"
        return Stop("inferior", len(curve), {"pruner": self._name, "valid_score": score}, because)

    def finished(self, number: int, curve: Curve, state: TrialEnd) -> None:
        """Keep the data of the trial that later verdicts need: its values, and what the pruner noted at its rungs."""
        lane = self._lanes[number % self.watch.parallelism]
        if lane.last_judged != number:  # an earlier driver judged it
            for num_rounds in range(1, len(curve) + 1):
                self.verdict(number, curve.until(num_rounds))
        self._ended[number] = (curve, state, lane.notes(number))


class _Lane:
    """The study in memory in which a sequence of trials is judged. All values are oriented: larger is better."""

    def __init__(self) -> None:
        self._storage = InMemoryStorage()
        self._storage.create_new_study([StudyDirection.MAXIMIZE], "rule")  # brackets hash a study's name
        self._study = optuna.load_study(study_name="rule", storage=self._storage)
        self._ids: list[int] = []
        self.num_ended = 0
        self.last_judged = -1
        self._num_shown = 0

    def end(self, number: int, curve: Curve, state: TrialEnd, notes: dict[str, float]) -> None:
        """Record that trial `number`, the next in order, has ended."""
        self._begin(number)
        trial_id = self._ids[number]
        if number != self.last_judged:
            for step, value in enumerate(curve.valid_score, start=1):
                self._storage.set_trial_intermediate_value(trial_id, step, float(value))
            for key, note in notes.items():
                self._storage.set_trial_system_attr(trial_id, key, note)
        values = [float(curve.valid_score[curve.best])] if state == "COMPLETE" else None
        self._storage.set_trial_state_values(trial_id, TrialState[state], values)
        self.num_ended = number + 1

    def shows(self, number: int, curve: Curve, pruner: BasePruner) -> bool:
        """Pass the new rounds of a running trial to the pruner; returns whether it prunes the trial at the last one."""
        if number != self.last_judged:
            self._begin(number)
            self.last_judged, self._num_shown = number, 0
        trial_id = self._ids[number]
        pruned = False
        for step in range(self._num_shown + 1, len(curve) + 1):
            value = float(curve.valid_score[step - 1])
            self._storage.set_trial_intermediate_value(trial_id, step, value)
            pruned = pruner.prune(self._study, self._storage.get_trial(trial_id))
        self._num_shown = len(curve)
        return pruned

    def notes(self, number: int) -> dict[str, float]:
        """What the pruner noted for trial `number`; empty unless this trial was the last to be judged."""
        return (
            dict(self._storage.get_trial_system_attrs(self._ids[number]))
            if number == self.last_judged
            else {}
        )

    def _begin(self, number: int) -> None:
        while len(self._ids) <= number:
            template = create_trial(state=TrialState.RUNNING)
            self._ids.append(self._storage.create_new_trial(self._study._study_id, template))
