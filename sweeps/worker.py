"""What runs where the training is: parameters and a seed in, rounds out. No Optuna, no database, no Ray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from objectives import DataError, ObjectiveError, Round
from objectives.registry import get_task
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


@dataclass(frozen=True)
class WorkPlan:
    """What all trials of a study have in common, for whoever trains them.

    code: digest of the driver's source; a worker with other code refuses. weights_folder: where the best
    round's weights go; None to keep none.
    """

    task: str
    data: str
    data_root: str
    data_digest: str
    metric: Metric
    threads: int
    device: str
    code: str
    weights_folder: str | None


@dataclass(frozen=True)
class Progress:
    """A round, and where the weights went if it is the best so far."""

    round: Round
    weights: dict[str, Any] | None = None


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
        self._splits = self._task.load(plan.data, Path(plan.data_root))
        if self._splits.digest != plan.data_digest:
            raise DataError(
                f"A worker found other rows of {plan.data!r} in {plan.data_root} than the driver."
            )

    def train(self, work: Work) -> Iterator[Progress]:
        """The trial's rounds; the weights of each new best round are on disk before it is told."""
        import torch

        from objectives.loop import train

        if self._plan.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        run = self._task.start(
            self._task.parameters_from(work.parameters),
            self._splits,
            rounds=work.rounds,
            seed=work.seed,
            device=torch.device(self._plan.device),
        )
        best = float("nan")
        for latest in train(run):
            if self._plan.metric.is_better(latest.valid_score, best):
                best = latest.valid_score
                yield Progress(latest, self._keep_weights(work.number, latest.index, run.model))
            else:
                yield Progress(latest)

    def _keep_weights(self, number: int, round_index: int, model: Any) -> dict[str, Any] | None:
        from objectives.weights import save_weights

        if self._plan.weights_folder is None:
            return None
        path = Path(self._plan.weights_folder) / f"trial-{number:04d}.pt"
        digest = save_weights(model.state_dict(), path)
        return {"file": path.name, "digest": digest, "round": round_index}


def failure_from(error: Exception) -> Failure:
    """What is recorded of an exception that a trial raised."""
    import traceback

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
    )
