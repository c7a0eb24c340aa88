"""Reads the trials that an earlier driver has stored, for a driver that continues the study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives import Round
from storage.errors import DamagedDatabase
from storage.outcomes import Outcome
from storage.study_writer import StudyWriter
from storage.trials import TrialRow
from sweeps.samplers.visible_trials import Proposal
from sweeps.study.specification import Specification
from sweeps.trial.files import TrialFiles
from sweeps.trial.running_trial import RunningTrial


@dataclass(frozen=True)
class StoredTrial:
    """A stored trial.

    proposal: None if no later proposal depends on this trial. num_rounds, stop_reason: for a trial that has ended.
    unfinished: the trial itself, if it has not ended or may continue. value_so_far: for a trial that was paused.
    """

    outcome: Outcome
    proposal: Proposal | None = None
    num_rounds: int | None = None
    unfinished: RunningTrial | None = None
    stop_reason: str = ""
    value_so_far: float | None = None


def stored_trials(
    writer: StudyWriter,
    spec: Specification,
    outcomes: Sequence[Outcome],
    needed: Sequence[int],
    files_of: Callable[[int], TrialFiles],
) -> Iterator[StoredTrial]:
    """The trials in the order of their numbers. For trials outside `needed`, only how they ended is read.

    A RUNNING trial belonged to a driver that has died; its state becomes WAITING.
    """
    rows = {row.number: row for row in writer.read_trials(needed)}
    noted = writer.read_sampler_attributes(needed)
    checkpoints = writer.read_checkpoints()
    if not spec.pauses:  # if the schedule pauses trials, a trial that is stored as ended may continue
        _forget_checkpoints(writer, outcomes, checkpoints)
    for outcome in outcomes:
        row = rows.get(outcome.number)
        if row is None:
            yield StoredTrial(outcome)
            continue
        proposal = _proposal(spec, row, noted.get(row.trial_id, {}))
        reason = row.attributes.get("stop_reason", "")
        if row.is_finished and reason != "paused":
            yield StoredTrial(outcome, proposal, row.attributes["rounds"], stop_reason=reason)
        else:
            trial = _unfinished(
                writer, row, proposal.chosen, checkpoints.get(row.number), files_of(row.number)
            )
            value = outcome.value if row.is_finished else row.attributes.get("value_so_far")
            yield StoredTrial(outcome, proposal, unfinished=trial, value_so_far=value)


def _proposal(spec: Specification, row: TrialRow, noted: dict[str, Any]) -> Proposal:
    """The proposal from which this trial was made."""
    notes = row.attributes
    several = spec.trials_each > 1
    return Proposal(
        spec.point_of(row.params),
        noted,
        part=(notes["configuration"], notes["repeat"]) if several else None,
        hopeless=notes["because"] if notes.get("stop_reason") == "hopeless" else "",
    )


def rounds_by_trial(writer: StudyWriter) -> dict[int, list[Round]]:
    """The rounds of all trials."""
    rounds: dict[int, list[Round]] = defaultdict(list)
    for row in writer.read_all_rounds():
        rounds[row["trial"]].append(Round.from_figures(row))
    return rounds


def _unfinished(
    writer: StudyWriter,
    row: TrialRow,
    chosen: dict[str, Any],
    checkpoint: dict[str, Any] | None,
    files: TrialFiles,
) -> RunningTrial:
    rounds = [Round.from_figures(each) for each in writer.read_rounds(row.number)]
    trial = RunningTrial(row.number, row.trial_id, chosen, files, rounds, resumed=True)
    trial.checkpoint = checkpoint
    trial.weights = checkpoint["weights"] if checkpoint else None
    trial.shown = row.attributes.get("weights")
    trial.is_ended_in_store = row.is_finished
    if row.state == "RUNNING":
        writer.set_state(row.trial_id, "WAITING")
    if rounds and not row.is_finished:
        writer.complete_copy(row.trial_id, {each.index: each.valid_score for each in rounds})
    return trial


def _forget_checkpoints(
    writer: StudyWriter, outcomes: Sequence[Outcome], checkpoints: Mapping[int, Any]
) -> None:
    """Delete the checkpoints of ended trials: earlier versions of onset-sweeps left some if they were killed."""
    ended = [each.number for each in outcomes if each.is_finished and each.number in checkpoints]
    if ended:
        writer.drop_checkpoints(ended)


def check_numbers(outcomes: Sequence[Outcome]) -> None:
    """Raises DamagedDatabase if a trial is missing or there twice: the study would wait for it for ever."""
    for expected, each in enumerate(outcomes):
        if each.number != expected:
            raise DamagedDatabase(
                f"The stored trials are not numbered 0, 1, 2 …: trial {each.number} stands in the place of trial "
                f"{expected}. Another program has changed the database. Restore it from a copy."
            )
