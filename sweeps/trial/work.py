"""What a worker is given of a study and of a trial, and what it tells back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric


class Work(Protocol):
    """What a worker is told of a trial (the driver's Assignment)."""

    @property
    def number(self) -> int:
        """The trial's number."""

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters of the task."""

    @property
    def seed(self) -> int:
        """The trial's seed."""

    @property
    def rounds(self) -> int:
        """The trial's budget."""

    @property
    def repeat(self) -> int:
        """Which time its parameters are trained, from 0: with folds, it says which of them validates."""

    @property
    def checkpoint(self) -> PackedFile | None:
        """Where to continue from; None for the start."""


@dataclass(frozen=True)
class WorkPlan:
    """What all trials of a study have in common, for whoever trains them.

    code: digest of the driver's source; a worker with other code refuses. keep_weights: whether those of each
    new best round are told. checkpoint_seconds: how often a trial's whole state is told.
    """

    task: str
    data: DataPlan
    data_root: str
    data_digest: str
    metric: Metric
    threads: int
    device: str
    code: str
    keep_weights: bool
    checkpoint_seconds: float


@dataclass(frozen=True)
class Progress:
    """A round, the weights if it is the best so far, and now and then the trial's whole state.

    starts_over: why the trial has started over, or would after a crash; empty where there is no such reason.

    Nothing is written where the training is: whoever lost the study could write into it otherwise.
    """

    round: Round
    weights: PackedFile | None = None
    checkpoint: PackedFile | None = None
    starts_over: str = ""


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to run a trial: everything else it has from its plan."""

    number: int
    parameters: dict[str, Any]
    seed: int
    rounds: int
    repeat: int = 0
    checkpoint: PackedFile | None = None
