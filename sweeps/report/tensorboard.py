"""The rounds and results of a study as TensorBoard event files: a run for each trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.errors import UsageError
from sweeps.report.study_facts import read_facts
from sweeps.study.stored_study import Study

# Names under which training and validation are drawn in one group of plots.
TAGS = {
    "train_loss": "loss/train",
    "valid_loss": "loss/valid",
    "train_score": "{metric}/train",
    "valid_score": "{metric}/valid",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
}


def write_events(study: Study, folder: Path) -> int:
    """Write one run for each finished trial into `folder`; returns their number.

    Each has its curves by round, its parameters and its end. Raises UsageError where `folder` has files, or can't be
    written, and where tensorboardX is not installed or no trial is finished.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise UsageError("TensorBoard files need tensorboardX: pip install tensorboardX.") from None
    facts = read_facts(study)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty. Choose another folder with -o.")
    tags = {name: tag.format(metric=study.spec.metric.name) for name, tag in TAGS.items()}
    for trial in facts.table:
        path = folder / f"trial-{trial.number:04d}"
        try:
            writer = SummaryWriter(str(path))
        except OSError as error:
            raise UsageError(
                f"{path}: can't be written ({error.strerror}). Choose another folder with -o."
            ) from None
        with writer:
            for row in facts.rounds.get(trial.number, ()):
                _add_round(writer, row, tags)
            notes = trial.attributes
            end = f"{trial.state}, {notes.get('stop_reason', '')}: {notes.get('because', '')}"
            writer.add_text("end", end)
            parameters = facts.parameters[trial.number]
            writer.add_text(
                "parameters", "\n\n".join(f"{name}: {value}" for name, value in parameters.items())
            )
    return len(facts.table)


def _add_round(writer: Any, row: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    for name, tag in tags.items():
        if row.get(name) is not None:
            writer.add_scalar(tag, row[name], row["index"])
