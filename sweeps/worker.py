"""What runs where the training is: parameters and a seed in, rounds out. No Optuna, no database, no Ray."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from objectives import DataError, ObjectiveError, Round
from objectives.checkpoint import pack_checkpoint, unpack_checkpoint
from objectives.packed import Packed
from objectives.registry import get_task
from objectives.task import TrainingRun
from objectives.weights import pack_weights
from sweeps.data_plan import DataPlan
from sweeps.outcome import Failure, Metric
from sweeps.provenance import code_digest


class Work(Protocol):
    """What a worker is told of a trial (the book's Assignment)."""

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
    def checkpoint(self) -> Packed | None:
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

    Nothing is written where the training is: whoever lost the study could write into it otherwise.
    """

    round: Round
    weights: Packed | None = None
    checkpoint: Packed | None = None


class Worker:
    """Loads task and data once, then trains one trial after the other.

    Raises ObjectiveError when its code or data are not the driver's.
    """

    def __init__(self, plan: WorkPlan) -> None:
        from objectives.loop import make_deterministic

        if code_digest() != plan.code:
            raise ObjectiveError(
                "A worker has other code than the driver: install the same version of onset-sweeps on every "
                f"machine (the worker's lies in {Path(__file__).parent})."
            )
        make_deterministic(plan.threads)
        self._plan = plan
        self._task = get_task(plan.task)
        self._splits = plan.data.load(self._task, Path(plan.data_root))
        if self._splits.digest != plan.data_digest:
            raise DataError(
                f"A worker found other rows of {plan.data.name!r} in {plan.data_root} than the driver: "
                "give every machine the same files."
            )

    def train(self, work: Work) -> Iterator[Progress]:
        """The trial's rounds."""
        import torch

        self.release()
        run = self._task.start(
            self._task.parameters_from(work.parameters),
            self._plan.data.fold(self._task, self._splits, work.repeat),
            rounds=work.rounds,
            seed=work.seed,
            device=torch.device(self._plan.device),
        )
        with contextlib.closing(run):
            best = _restore(run, work.checkpoint)
            told_at = time.monotonic()
            while run.rounds_done < run.rounds:
                latest = run.advance()
                weights = checkpoint = None
                if self._plan.metric.is_better(latest.valid_score, best):
                    best = latest.valid_score
                    weights = pack_weights(run.model.state_dict()) if self._plan.keep_weights else None
                due = time.monotonic() - told_at >= self._plan.checkpoint_seconds
                if due and run.rounds_done < run.rounds:
                    checkpoint = pack_checkpoint({"run": run.state_dict(), "best": best})
                    told_at = time.monotonic()
                yield Progress(latest, weights, checkpoint)

    def release(self) -> None:
        """Give back what the last trial held on the device: others may train there, too."""
        import torch

        if self._plan.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def failure_from(self, error: Exception) -> Failure:
        """What is recorded of an exception that a trial raised."""
        import traceback

        import torch

        from objectives.loop import peak_memory_bytes

        name = type(error).__name__
        message = str(error)
        out_of_memory = (
            isinstance(error, MemoryError)
            or name == "OutOfMemoryError"
            or (isinstance(error, RuntimeError) and "alloc" in message and "memory" in message)
        )
        return Failure(
            kind="out_of_memory" if out_of_memory else "error",
            error_class=name,
            message=message,
            traceback="".join(traceback.format_exception(error)),
            peak_memory_bytes=peak_memory_bytes(torch.device(self._plan.device)) if out_of_memory else None,
        )


def _restore(run: TrainingRun, checkpoint: Packed | None) -> float:
    """Continue from a checkpoint, from the start where there is none; returns the best score so far."""
    if checkpoint is None:
        return math.nan
    state = unpack_checkpoint(checkpoint)
    run.load_state_dict(state["run"])
    return float(state["best"])
