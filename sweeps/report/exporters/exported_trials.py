"""The data that each exporter writes: every finished trial with its curves, its parameters, and why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage.trials import TrialRow
from sweeps.errors import UsageError
from sweeps.printable import printable
from sweeps.report.study_facts import StudyFacts, read_facts
from sweeps.study.stored_study import Study

# Tags for figures. Tools group plots by the part of a tag before the slash, so training and validation stay together.
TAGS = {
    "train_loss": "loss/train",
    "valid_loss": "loss/valid",
    "train_score": "{metric}/train",
    "valid_score": "{metric}/valid",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
}
NAMES = {
    "stop_reason": "why_it_ended",
    "because": "because",
    "best_round": "best_round",
    "rounds": "rounds_run",
}


@dataclass(frozen=True)
class ExportedRound:
    """A round. seconds: training time from the trial's start to the end of this round. figures: values by tag."""

    index: int
    seconds: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class ExportedTrial:
    """A finished trial. state: Optuna's name of its state. value: its result; None if it has none.

    end: why it ended, by readable names. All text is without control characters.
    """

    number: int
    state: str
    value: float | None
    parameters: Mapping[str, Any]
    end: Mapping[str, Any]
    rounds: list[ExportedRound]
    started: datetime | None

    @property
    def name(self) -> str:
        """The name of the trial's run, such as `trial-0007`."""
        return f"trial-{self.number:04d}"


def exported_trials(study: Study) -> list[ExportedTrial]:
    """The finished trials of a study. Raises UsageError if there is none."""
    facts = read_facts(study)
    return [_exported(facts, trial) for trial in facts.table]


def check_new(folder: Path) -> None:
    """Raise UsageError if `folder` has files, or is not a folder, and so can't be written."""
    try:
        has_files = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror}). Choose another folder with -o."
        ) from error
    if has_files:
        raise UsageError(f"{folder} is not empty. Choose another folder with -o.")


def _exported(facts: StudyFacts, trial: TrialRow) -> ExportedTrial:
    end = {name: trial.attributes[key] for key, name in NAMES.items() if key in trial.attributes}
    return ExportedTrial(
        trial.number,
        trial.state,
        trial.value,
        facts.parameters[trial.number],
        {name: printable(value) if isinstance(value, str) else value for name, value in end.items()},
        _rounds(facts, trial.number),
        None if trial.started is None else datetime.fromisoformat(trial.started).replace(tzinfo=UTC),
    )


def _rounds(facts: StudyFacts, number: int) -> list[ExportedRound]:
    tags = {name: tag.format(metric=facts.study.spec.metric.name) for name, tag in TAGS.items()}
    seconds, found = 0.0, []
    for row in facts.rounds.get(number, ()):
        seconds += row.get("seconds") or 0.0
        figures = {tag: float(row[name]) for name, tag in tags.items() if row.get(name) is not None}
        found.append(ExportedRound(int(row["index"]), seconds, figures))
    return found
