"""How far the best trial leads, and whether that is more than noise.

If the score is the fraction of validation rows that are right, the lead is also given in rows and standard errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sweeps.report.study_facts import StudyFacts

NEAR_A_ROW = 0.05  # rows: so near to an integer, score * rows counts as one (float32 rounds scores)
DEVIATIONS = 2.0  # a lead of fewer standard errors is within noise
_DECIDES = "`sweep confirm` decides."


@dataclass(frozen=True)
class Lead:
    """The lead of the best trial over the next one.

    score: that of the best trial. size: the difference of the two scores, not negative. noise: by how much a score
    moves by chance from one round to the next (`StudyFacts.noise`). rows: number of validation rows, if a score is the
    fraction of them that are right; None if it is not, or if the number is unknown. alike: the best trial, and then the
    trials that are within noise of it. count: number of complete trials.
    """

    best: int
    next: int
    score: float
    size: float
    noise: float
    rows: int | None
    alike: list[int]
    count: int

    @property
    def rows_ahead(self) -> int | None:
        """The lead as a number of validation rows; None if `rows` is None."""
        return None if self.rows is None else round(self.size * self.rows)

    @property
    def standard_error(self) -> float | None:
        """The binomial standard error of the best score; None if `rows` is None."""
        return None if self.rows is None else _standard_error(self.score, self.rows)

    @property
    def is_within_noise(self) -> bool:
        """Whether the lead is so small that it does not show that the best trial is better."""
        return len(self.alike) > 1

    def sentences(self) -> list[str]:
        """Three sentences: the size of the lead, the noise, and the conclusion."""
        return [self._in_size(), self._in_noise(), self._so()]

    def told(self) -> str:
        """Two sentences: the size of the lead, and the conclusion."""
        return f"{self._in_size()} {self._so()}".removesuffix(f" {_DECIDES}")

    def _in_size(self) -> str:
        if self.rows is None:
            return f"The lead over the next trial ({self.next}) is {self.size:.2g}."
        right = round(self.score * self.rows)
        ahead = self.rows_ahead
        rows = "1 row" if ahead == 1 else f"{ahead:,} rows"
        return (
            f"The lead over trial {self.next} is {rows} of {self.rows:,} ({right:,} right against "
            f"{right - (ahead or 0):,}): {self.size:.2g}."
        )

    def _in_noise(self) -> str:
        if self.standard_error is None:
            moved = f"A score moves by {self.noise:.2g} from round to round by chance. " if self.noise else ""
            return (
                f"{moved}It is not known how much a score changes with other seeds and validation rows; usually, "
                "that is more."
            )
        return (
            f"With so few rows, a score has a standard error of {self.standard_error:.2g}. Differences between seeds "
            "are not included."
        )

    def _so(self) -> str:
        if not self.is_within_noise:
            return (
                "The lead is larger than this noise, but the best trial was chosen because its score is the highest. "
                f"{_DECIDES}"
            )
        among = f"{len(self.alike)} of the {self.count} trials are within the noise of the best."
        return (
            f"So this lead is no evidence that trial {self.best} is better than trial {self.next}: {among} "
            f"{_DECIDES}"
        )


def lead_of(facts: StudyFacts) -> Lead | None:
    """The lead of a study's best trial; None with fewer than two complete trials."""
    if len(facts.ranked) < 2:
        return None
    values = {trial.number: float(trial.completed_value or 0.0) for trial in facts.ranked}
    best, following = facts.ranked[0].number, facts.ranked[1].number
    rows = rows_behind(facts)
    error = 0.0 if rows is None else _standard_error(values[best], rows)
    near = DEVIATIONS * max(error, facts.noise)
    alike = [number for number, value in values.items() if abs(values[best] - value) <= near]
    size = abs(values[best] - values[following])
    return Lead(best, following, values[best], size, facts.noise, rows, alike, len(values))


def rows_behind(facts: StudyFacts) -> int | None:
    """The number of validation rows, if each score is the fraction of them that are right; else None.

    A metric is taken for such a fraction if larger is better and every score * rows is an integer. With repeats or
    folds, the result is None.
    """
    metric = facts.study.spec.metric
    values = [float(trial.completed_value or 0.0) for trial in facts.ranked]
    is_share = metric.direction == "maximize" and all(
        0 <= value <= 1 and abs(value * metric.num_valid - round(value * metric.num_valid)) < NEAR_A_ROW
        for value in values
    )
    whole = is_share and metric.num_valid > 0 and facts.study.spec.trials_each == 1
    return metric.num_valid if whole and any(0 < value < 1 for value in values) else None


def _standard_error(share: float, rows: int) -> float:
    """The standard error of a fraction of `rows` independent rows."""
    return math.sqrt(max(0.0, share * (1 - share)) / rows)
