"""The metric that a study optimises, and the best of some rounds by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from objectives import Round


@dataclass(frozen=True)
class Metric:
    """What a study optimises, and the score of a model that has learnt nothing.

    num_valid: number of validation rows behind a score; it limits how well a score can be distinguished from chance.
    """

    name: str
    direction: Literal["maximize", "minimize"]
    chance: float
    num_valid: int

    def is_better(self, score: float, than: float) -> bool:
        """Whether `score` is better than `than`; every finite score is better than NaN."""
        if not math.isfinite(score):
            return False
        if not math.isfinite(than):
            return True
        return score > than if self.direction == "maximize" else score < than

    def oriented(self, score: float) -> float:
        """The score, with its sign changed if smaller is better, so that larger is better."""
        return score if self.direction == "maximize" else -score

    def beats_chance(self, score: float) -> bool:
        """Whether a score is better than chance by more than two standard errors of an accuracy at chance."""
        share = min(max(self.chance, 0.0), 1.0)
        error = math.sqrt(share * (1 - share) / max(1, self.num_valid))
        return self.oriented(score) > self.oriented(self.chance) + 2 * error


def best_round(rounds: Sequence[Round], metric: Metric) -> Round | None:
    """The round with the best validation metric; of equal ones the earliest; None if no metric is finite."""
    best: Round | None = None
    for each in rounds:
        if math.isfinite(each.valid_score) and (
            best is None or metric.is_better(each.valid_score, best.valid_score)
        ):
            best = each
    return best
