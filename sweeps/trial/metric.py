"""The metric that a study optimises, and the function that finds the best round by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from objectives import Round


@dataclass(frozen=True)
class Metric:
    """The metric that a study optimises.

    chance: the score of a model that has learnt nothing; NaN if it is not known. num_valid: the number of validation
    rows from which a score is computed; it limits how well a score can be distinguished from chance.
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
        """Whether a score is better than chance by more than luck explains.

        A fraction or percentage must be better by more than two standard errors of a proportion of `num_valid` rows.
        Any other score, and each score that is minimised (an error rate can't be told from a distance in metres), must
        be better by more than a twentieth of chance. If chance is not known, every finite score is better.
        """
        if math.isnan(self.chance):
            return math.isfinite(score)
        return self.oriented(score) > self.oriented(self.chance) + self._luck(score)

    def _luck(self, score: float) -> float:
        unit = 1.0 if max(score, self.chance) <= 1 else 100.0
        if (
            self.direction == "minimize"
            or not 0 <= min(score, self.chance) <= max(score, self.chance) <= unit
        ):
            return 0.05 * abs(self.chance)
        share = self.chance / unit
        return 2 * unit * math.sqrt(share * (1 - share) / max(1, self.num_valid))


def best_round(rounds: Sequence[Round], metric: Metric) -> Round | None:
    """The round with the best validation metric; of equal ones the earliest; None if no metric is finite."""
    best: Round | None = None
    for each in rounds:
        if math.isfinite(each.valid_score) and (
            best is None or metric.is_better(each.valid_score, best.valid_score)
        ):
            best = each
    return best
