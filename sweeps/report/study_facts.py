"""The data that a review uses, read once: a study's finished trials with their rounds, diagnoses and parameters."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_spaces import Numeric
from storage.outcomes import ranking
from storage.rounds import all_rounds
from storage.trials import TrialRow
from sweeps.diagnosis.report import diagnose_trial
from sweeps.errors import UsageError
from sweeps.report.knobs import position
from sweeps.study.stored_study import Study
from sweeps.trial.verdict import SPOILT

TOP = 3  # trials that stand for "the best"


@dataclass(frozen=True)
class StudyFacts:
    """A study for review.

    table: its finished trials. ranked: the completed trials, best first. rounds: the rounds of each trial, by its
    number. parameters: all parameters of each trial, searched or not.
    """

    study: Study
    table: Sequence[TrialRow]
    ranked: Sequence[TrialRow]
    rounds: Mapping[int, Sequence[Mapping[str, Any]]]
    parameters: Mapping[int, Mapping[str, Any]]

    @property
    def best(self) -> TrialRow:
        """The best completed trial."""
        return self.ranked[0]

    @property
    def top(self) -> Sequence[TrialRow]:
        """The few best completed trials."""
        return self.ranked[:TOP]

    @property
    def spoilt(self) -> list[TrialRow]:
        """Trials without a usable result: failed, diverged, collapsed, or never learning."""
        return [
            trial
            for trial in self.table
            if trial.state == "FAIL" or trial.attributes.get("stop_reason") in SPOILT
        ]

    @cached_property
    def ranges(self) -> dict[str, Numeric]:
        """The searched parameters that are ranges."""
        found = {each.name: each.domain for each in self.study.spec.space.searched}
        return {name: domain for name, domain in found.items() if isinstance(domain, Numeric)}

    def label_of(self, trial: TrialRow) -> str | None:
        """The label of a trial's diagnosis, such as `overfitting`; None if the trial has no round."""
        found = diagnose_trial(self.study, trial, self.rounds.get(trial.number, ()))
        return None if found is None else found.diagnosis.label

    def position_of(self, trial: TrialRow, name: str) -> float | None:
        """Where a trial's value lies in the range of a parameter, 0 to 1; None if the trial lacks the parameter."""
        value = trial.params.get(name)
        return None if value is None else position(self.ranges[name], float(value))

    @cached_property
    def noise(self) -> float:
        """By how much the score of a good trial moves by chance from one round to the next.

        It is the median, over the best trials, of the standard deviation of a round's score about the mean of its two
        neighbours. It is estimated from the second differences of the later half of the curve, which are 0 on a
        straight line. 0 if the curves are too short.
        """
        found = []
        for trial in self.top:
            scores = [float(row["valid_score"]) for row in self.rounds.get(trial.number, ())]
            later = [score for score in scores[len(scores) // 2 :] if math.isfinite(score)]
            bends = [a - 2 * b + c for a, b, c in zip(later, later[1:], later[2:], strict=False)]
            if bends:
                found.append(math.sqrt(statistics.fmean(bend**2 for bend in bends) / 6))
        return statistics.median(found) if found else 0.0

    def share_of(self, trials: Sequence[TrialRow], holds: Callable[[TrialRow], bool]) -> float:
        """The fraction of `trials` for which `holds` is true; 0 if there are no trials."""
        return sum(map(holds, trials)) / len(trials) if trials else 0.0


def read_facts(study: Study) -> StudyFacts:
    """The facts of a stored study. Raises UsageError if no trial is finished."""
    table = study.table()
    if not table:
        raise UsageError(f"{study.name} has no finished trial yet: there is nothing to review.")
    rounds: dict[int, list[dict[str, Any]]] = {}
    for row in all_rounds(study.database, study.row.study_id):
        rounds.setdefault(row["trial"], []).append(row)
    return StudyFacts(
        study,
        table,
        ranking(table, study.spec.metric.direction),
        rounds,
        {trial.number: study.parameters(trial) for trial in table},
    )
