"""The learning curves of a study's trials, grouped by how the trials ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.trials import TrialRow
from sweeps.report.study_facts import StudyFacts

MOST_CURVES = 8  # drawn in each group

Values = list[float | None]
_FIGURES = ("train_loss", "valid_loss", "train_score", "valid_score")


@dataclass(frozen=True)
class TrialCurve:
    """The curves of a trial. rounds: their numbers, from 1. halted_at: last round of a halted trial, else None."""

    trial: int
    value: float | None
    rounds: list[int]
    train_loss: Values
    valid_loss: Values
    train_score: Values
    valid_score: Values
    best_round: int | None
    halted_at: int | None
    because: str

    @property
    def has_loss(self) -> bool:
        """Whether any validation loss is known."""
        return any(value is not None and math.isfinite(value) for value in self.valid_loss)


@dataclass(frozen=True)
class CurveGroup:
    """The trials that ended for one reason. count: how many there are. curves: those of the best of them."""

    reason: str
    count: int
    curves: list[TrialCurve]


def trial_curve(trial: TrialRow, rounds: Sequence[Mapping[str, Any]]) -> TrialCurve:
    """The curve of a trial from its stored rounds."""
    notes = trial.attributes
    reason = notes.get("stop_reason", "")
    is_halted = trial.is_finished and reason not in ("finished", "error", "")
    figures = {name: [row[name] for row in rounds] for name in _FIGURES}
    return TrialCurve(
        trial=trial.number,
        value=trial.value,
        rounds=[int(row["index"]) for row in rounds],
        **figures,
        best_round=notes.get("best_round"),
        halted_at=len(rounds) if is_halted and rounds else None,
        because=str(notes.get("because", "")),
    )


def reason_of(trial: TrialRow) -> str:
    """Why a trial ended, in one or two words: `finished`, the reason of its halt, or `failed`."""
    if trial.state == "FAIL":
        return "failed"
    return str(trial.attributes.get("stop_reason", trial.state.lower())).replace("_", " ")


def curve_groups(facts: StudyFacts, most: int = MOST_CURVES) -> list[CurveGroup]:
    """The groups, the largest first. Each has the curves of at most `most` trials: the best, or failed ones."""
    place = {trial.number: position for position, trial in enumerate(facts.ranked)}
    groups: dict[str, list[TrialRow]] = {}
    for trial in facts.table:
        groups.setdefault(reason_of(trial), []).append(trial)
    found = []
    for reason, trials in groups.items():
        shown = [trial for trial in trials if facts.rounds.get(trial.number)]
        shown.sort(key=lambda trial: place.get(trial.number, len(place)))
        curves = [trial_curve(trial, facts.rounds[trial.number]) for trial in shown[:most]]
        found.append(CurveGroup(reason, len(trials), curves))
    return sorted(found, key=lambda group: -group.count)
