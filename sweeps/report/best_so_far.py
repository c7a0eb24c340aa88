"""The best validation score of a study after each round that it ran, trial after trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storage.trials import TrialRow
from sweeps.trial.metric import Metric

RoundsByTrial = Mapping[int, Sequence[Mapping[str, Any]]]


class Step(NamedTuple):
    """The state after one round of the study.

    seconds: training time of all rounds so far. best: best score so far; None while no score was finite.
    """

    trial: int
    seconds: float
    best: float | None


def best_so_far(metric: Metric, table: Sequence[TrialRow], rounds: RoundsByTrial) -> list[Step]:
    """One step for each round of the table's trials, in the order of the trials' numbers."""
    best, seconds, steps = math.nan, 0.0, []
    for trial in table:
        for row in rounds.get(trial.number, ()):
            seconds += row.get("seconds") or 0.0
            if metric.is_better(row["valid_score"], best):
                best = row["valid_score"]
            steps.append(Step(trial.number, seconds, None if math.isnan(best) else best))
    return steps


def rises(steps: Sequence[Step]) -> list[tuple[int, Step]]:
    """The steps at which the best value changed. Each comes with its number among all rounds of the study, from 1."""
    found: list[tuple[int, Step]] = []
    for number, step in enumerate(steps, start=1):
        if step.best is not None and (not found or step.best != found[-1][1].best):
            found.append((number, step))
    return found
