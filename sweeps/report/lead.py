"""How far the best trial leads, and whether that is evidence: in rows and standard errors where a score counts rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sweeps.report.study_facts import StudyFacts

NEAR_A_ROW = 0.05  # a share of rows times their number is whole but for the rounding of float32
DEVIATIONS = 2.0  # a lead of fewer standard errors is within noise
_DECIDES = "`sweep confirm` decides."


@dataclass(frozen=True)
class Lead:
    """The lead of the best trial over the next one.

    score: of the best trial. size: the difference of the two scores, not negative. noise: what one more round moves a
    score by chance. rows: on how many validation rows a score is a share of right ones; None where a score is
    something else, or the number is not known. alike: the trials within the noise of the best, which stands first.
    count: all complete trials.
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
        """The lead in rows."""
        return None if self.rows is None else round(self.size * self.rows)

    @property
    def standard_error(self) -> float | None:
        """Of the best score, from the number of rows (binomial); None where that is not known."""
        return None if self.rows is None else _standard_error(self.score, self.rows)

    @property
    def is_within_noise(self) -> bool:
        """Whether the lead is no evidence that the best trial is better."""
        return len(self.alike) > 1

    def sentences(self) -> list[str]:
        """The lead, its noise, and what follows, each in a sentence."""
        return [self._in_size(), self._in_noise(), self._so()]

    def told(self) -> str:
        """The lead and what follows, in short."""
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
            return f"{moved}How much other seeds and other validation rows move it is not known; it is usually more."
        return (
            f"With so few rows, a score has a standard error of {self.standard_error:.2g}. Differences between seeds "
            "come in addition."
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
    """The lead of a study's best single run; None with fewer than two complete trials."""
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
    """On how many rows each score is a share of right ones; None where a score is none, or is a mean over repeats.

    A metric is taken for such a share if larger is better and every score makes a whole number of rows.
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
    """Of a share of `rows` independent rows."""
    return math.sqrt(max(0.0, share * (1 - share)) / rows)
