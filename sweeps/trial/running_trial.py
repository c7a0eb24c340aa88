"""A trial that has started and not ended: its rounds, and the records of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from sweeps.trial.files import Record, TrialFiles
from sweeps.trial.metric import Metric, best_round
from sweeps.trial.verdict import End


@dataclass(frozen=True)
class Place:
    """Where a trial is trained.

    environment: the key of an environment stored with the study. node: the cluster's node; empty on this machine.
    """

    environment: str = ""
    node: str = ""


@dataclass
class RunningTrial:
    """What the driver knows of a running trial.

    weights, checkpoint: the records of its files. losses: workers that died in a row without a new round. differs: a
    sentence about the round that had other values when it was trained again. starts_over: why the trial starts from its
    first round again, or would after a crash. places: where this driver trained it, in order. shown: the record of the
    weights that were stored when the schedule paused the trial last; they are kept until the next pause.
    is_ended_in_store: whether it is stored as ended, though it may continue. alone: whether it must have a worker for
    itself until it has a new round. stays_alone: whether it must have one until its end.
    """

    number: int
    trial_id: int
    chosen: dict[str, Any]
    files: TrialFiles
    rounds: list[Round] = field(default_factory=list)
    losses: int = 0
    weights: Record | None = None
    checkpoint: Record | None = None
    differs: str | None = None
    starts_over: str | None = None
    resumed: bool = False
    shown: Record | None = None
    is_ended_in_store: bool = False
    places: list[Place] = field(default_factory=list)
    alone: bool = False
    stays_alone: bool = False

    def is_complete(self, metric: Metric) -> bool:
        """Whether the trial can end as it is: the weights of its best round are recorded."""
        best = best_round(self.rounds, metric)
        return best is None or (self.weights is not None and self.weights["round"] == best.index)

    def lost_its_worker(self, most: int, *, blameless: bool, with_others: bool) -> None:
        """Count a death of the trial's worker. After `most` deaths in a row the trial fails.

        After `most` - 1 deaths it gets a worker for itself. blameless: whether this death does not count. with_others:
        whether the worker trained other trials, too. Any of them may be the reason, so this death does not fail it.
        """
        self.losses += not blameless
        if with_others:
            self.losses = min(self.losses, most - 1)
        self.alone |= self.losses == most - 1

    def compare(self, again: Round) -> None:
        """Compare a round that was trained again with the stored one, and note in `differs` if they differ."""
        stored = self.rounds[again.index - 1]
        if repr(stored.figures()) != repr(again.figures()) and self.differs is None:
            self.differs = f"round {again.index} had other values when the trial was trained again"

    def keep_weights(self, round_index: int, packed: PackedFile) -> None:
        """Write the weights of a new best round. Remove the previous ones, unless the checkpoint needs them."""
        is_needed = self.checkpoint is not None and self.checkpoint["weights"] == self.weights
        is_needed = is_needed or (self.weights is not None and self.weights == self.shown)
        self.weights = self.files.keep_weights(round_index, packed, None if is_needed else self.weights)

    def keep_checkpoint(self, round_index: int, packed: PackedFile, record: Callable[[Record], None]) -> None:
        """Write the state after a round and `record` it. Only then remove the previous checkpoint."""
        older = self.checkpoint
        self.checkpoint = self.files.keep_checkpoint(round_index, packed, self.weights)
        record(self.checkpoint)
        if older is not None and older["file"] != self.checkpoint["file"]:
            is_needed = older["weights"] in (self.weights, self.shown)
            self.files.drop(older, None if is_needed else older["weights"])

    def show_weights(self) -> None:
        """Make the latest weights the ones that are stored for the paused trial, and remove the earlier ones."""
        before, self.shown = self.shown, self.weights
        needed = (self.shown, None if self.checkpoint is None else self.checkpoint["weights"])
        if before is not None and before not in needed:
            self.files.drop_weights(before)

    def notes(self, end: End, weights: Record | None) -> dict[str, Any]:
        """The attributes to store with the trial at its end. weights: the record of the kept weights."""
        return {name: note for name, note in self.all_notes(end, weights).items() if note is not None}

    def all_notes(self, end: End, weights: Record | None) -> dict[str, Any]:
        """As `notes`, with None for each attribute that the trial lacks, so that an earlier value is deleted."""
        environment, node = self.places[-1].environment, self.places[-1].node
        earlier = sorted({place.environment for place in self.places} - {environment})
        notes = {
            "stop_reason": end.stop_reason,
            "rounds": len(self.rounds),
            "environment": environment,
            "earlier_environments": earlier,
            "best_round": end.best_round,
            "because": end.because,
            "traceback": end.traceback,
            "evidence": _json_values(end.evidence),
            "weights": weights,
            "differs": self.differs,
            "starts_over": self.starts_over,
            "node": node,
        }
        return {name: None if note in ("", {}, []) else note for name, note in notes.items()}


def _json_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with names (such as `nan`) in place of numbers that are not finite, because JSON lacks them."""
    return {
        key: repr(value) if isinstance(value, float) and value - value != 0 else value
        for key, value in record.items()
    }
