"""The best validation score of a study after each round that it ran, trial after trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storage.trials import TrialRow
from sweeps.trial.metric import Metric

RoundsByTrial = Mapping[int, Sequence[Mapping[str, Any]]]


class Step(NamedTuple):
    """After a round. seconds: of training, in all trials so far. best: None while no score is finite."""

    trial: int
    seconds: float
    best: float | None


def best_so_far(metric: Metric, table: Sequence[TrialRow], rounds: RoundsByTrial) -> list[Step]:
    """One step for each round of the table's trials, in the order of their numbers."""
    best, seconds, steps = math.nan, 0.0, []
    for trial in table:
        for row in rounds.get(trial.number, ()):
            seconds += row.get("seconds") or 0.0
            if metric.is_better(row["valid_score"], best):
                best = row["valid_score"]
            steps.append(Step(trial.number, seconds, None if math.isnan(best) else best))
    return steps


def rises(steps: Sequence[Step]) -> list[tuple[int, Step]]:
    """The steps at which the best value changed, each with its round in the study, from 1."""
    found: list[tuple[int, Step]] = []
    for number, step in enumerate(steps, start=1):
        if step.best is not None and (not found or step.best != found[-1][1].best):
            found.append((number, step))
    return found
