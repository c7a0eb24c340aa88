"""What runs where the training is: parameters and a seed in, rounds out. No Optuna, no database, no Ray."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from objectives import DataError, ObjectiveError, Round
from objectives.errors import UnwritableError, WeightsError
from objectives.registry import get_task
from objectives.task import TrainingRun
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
    def checkpoint(self) -> dict[str, Any] | None:
        """Where to continue from; None for the start."""


@dataclass(frozen=True)
class WorkPlan:
    """What all trials of a study have in common, for whoever trains them.

    code: digest of the driver's source; a worker with other code refuses. weights_folder: where the best
    round's weights go; None to keep none. checkpoint_folder, checkpoint_seconds: where and how often a trial's
    whole state is kept.
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
    checkpoint_folder: str
    checkpoint_seconds: float


@dataclass(frozen=True)
class Progress:
    """A round, where the weights went if it is the best so far, and where the state went if it was kept."""

    round: Round
    weights: dict[str, Any] | None = None
    checkpoint: dict[str, Any] | None = None


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
        """The trial's rounds; what a round refers to is on disk before it is told."""
        import torch

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
        with contextlib.closing(run):
            keeper = _Keeper(self._plan, work)
            keeper.restore(run)
            while run.rounds_done < run.rounds:
                yield keeper.keep(run.advance(), run)


class _Keeper:
    """Keeps a trial's best weights and, now and then, its whole state on disk."""

    def __init__(self, plan: WorkPlan, work: Work) -> None:
        self._plan = plan
        self._work = work
        self._best = float("nan")
        self._weights: dict[str, Any] | None = None
        self._kept_at = time.monotonic()
        self._recorded = "" if work.checkpoint is None else str(work.checkpoint["file"])

    def restore(self, run: TrainingRun) -> None:
        """Continue from the recorded checkpoint; from the start where it is damaged or gone."""
        from objectives.checkpoint import load_checkpoint

        recorded = self._work.checkpoint
        if recorded is None:
            return
        try:
            state = load_checkpoint(Path(self._plan.checkpoint_folder) / recorded["file"], recorded["digest"])
        except WeightsError:
            return
        run.load_state_dict(state["run"])
        self._best = state["best"]
        self._weights = recorded["weights"]

    def keep(self, latest: Round, run: TrainingRun) -> Progress:
        """What is told of a round."""
        fresh = None
        if self._plan.metric.is_better(latest.valid_score, self._best):
            self._best = latest.valid_score
            fresh = self._weights = self._keep_weights(latest.index, run)
        checkpoint = None
        if time.monotonic() - self._kept_at >= self._plan.checkpoint_seconds and latest.index < run.rounds:
            checkpoint = self._keep_state(latest.index, run)
            self._kept_at = time.monotonic()
        return Progress(latest, fresh, checkpoint)

    def _keep_weights(self, index: int, run: TrainingRun) -> dict[str, Any] | None:
        from objectives.weights import save_weights

        if self._plan.weights_folder is None:
            return None
        path = Path(self._plan.weights_folder) / f"trial-{self._work.number:04d}.pt"
        with _written(path):
            digest = save_weights(run.model.state_dict(), path)
        return {"file": path.name, "digest": digest, "round": index}

    def _keep_state(self, index: int, run: TrainingRun) -> dict[str, Any]:
        from objectives.checkpoint import save_checkpoint

        folder = Path(self._plan.checkpoint_folder)
        path = folder / f"trial-{self._work.number:04d}-round-{index:06d}.ckpt"
        with _written(path):
            digest = save_checkpoint({"run": run.state_dict(), "best": self._best}, path)
        for older in folder.glob(f"trial-{self._work.number:04d}-round-*.ckpt"):
            if older.name not in (
                path.name,
                self._recorded,
            ):  # the one before stays until this one is recorded
                older.unlink(missing_ok=True)
        self._recorded = path.name
        return {"file": path.name, "digest": digest, "round": index, "weights": self._weights}


@contextlib.contextmanager
def _written(path: Path) -> Iterator[None]:
    """Within, a failure to write ends the run, not the trial."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"{path}: can't be written ({error.strerror}). Make room, or name another folder with --out; then "
            "go on with `sweep resume`."
        ) from error


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
