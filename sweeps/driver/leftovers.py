"""Removes files that no record names. A driver leaves such files if it is killed between two steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from storage.outcomes import Outcome
from storage.study_writer import StudyWriter
from sweeps.trial.files import files_by_trial, remove
from sweeps.trial.running_trial import RunningTrial


def remove_leftovers(
    out: Path, writer: StudyWriter, outcomes: Sequence[Outcome], paused: Mapping[int, RunningTrial]
) -> None:
    """Keep the recorded weights of ended trials, and the files of recorded checkpoints; remove all others."""
    weights, checkpoints = files_by_trial(out / "weights"), files_by_trial(out / "checkpoints")
    doomed: set[Path] = set()
    for number, trial in paused.items():
        doomed |= (weights[number] | checkpoints[number]) - trial.files.restore(trial.checkpoint, trial.shown)
    unclear = []
    for outcome in outcomes:
        if outcome.is_finished and outcome.number not in paused:
            doomed |= checkpoints.get(outcome.number, set())
            if len(weights.get(outcome.number, ())) > (outcome.state == "COMPLETE"):
                unclear.append(outcome.number)
    for row in writer.read_trials(unclear) if unclear else ():
        recorded = (row.attributes.get("weights") or {}).get("file")
        doomed |= {path for path in weights[row.number] if path.name != recorded}
    if doomed:
        writer.fenced(lambda: remove(doomed))
