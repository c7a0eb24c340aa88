"""What a worker receives about a study and a trial, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from objectives.source_code import Sources
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric
from sweeps.trial.returned import Returned


class Work(Protocol):
    """What a worker receives for a trial (implemented by the driver's Assignment)."""

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
        """The largest number of rounds."""

    @property
    def until(self) -> int | None:
        """The round after which the worker sends the trial's state and pauses the trial; None if it is not paused."""

    @property
    def repeat(self) -> int:
        """The number of the repeat, from 0. With folds, it decides which fold validates."""

    @property
    def checkpoint(self) -> PackedFile | None:
        """The state from which to continue; None to start at the first round."""


@dataclass(frozen=True)
class WorkPlan:
    """What a worker must know about all trials of a study.

    sources: the user's own code, as the driver read it; a worker reads no such code from its own disk. is_function:
    whether this code is a function rather than a task. folder: the folder in which the user started the command, so
    that relative paths in the code mean the same. probe: what to measure instead of training; None for training.

    code: digest of the source of onset-sweeps at the driver; a worker with another source refuses to work.
    keep_weights: whether to send the weights of each new best round. checkpoint_seconds: how often to send the whole
    state of a trial, in seconds.
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
    sources: Sources | None = None
    is_function: bool = False
    folder: str = ""
    probe: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Progress:
    """A round, the weights if it is the best so far, and sometimes the trial's whole state.

    starts_over: why the trial started from its first round again, or would do so after a crash; else empty.
    may_stop: whether the trial can be halted after this round. attributes: what a user's code notes with the trial.
    unrecorded: why the GPU runs the training steps kernel by kernel instead of as a recorded CUDA graph; else empty.

    Workers write no files. Otherwise a worker whose driver has lost the study could still change the study's files.
    """

    round: Round
    weights: PackedFile | None = None
    checkpoint: PackedFile | None = None
    starts_over: str = ""
    may_stop: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unrecorded: str = ""


@dataclass(frozen=True)
class Suggest:
    """A parameter that an Optuna objective asks for as it runs. distribution: Optuna's, as JSON."""

    name: str
    distribution: str


Event = Progress | Suggest | Returned


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to run a trial, besides its plan."""

    number: int
    parameters: dict[str, Any]
    seed: int
    rounds: int
    repeat: int = 0
    checkpoint: PackedFile | None = None
    until: int | None = None
