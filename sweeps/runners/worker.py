"""What runs where the training is: parameters and a seed in, rounds out. No Optuna, no database, no Ray."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path

from objectives import DataError, ObjectiveError
from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.training_state import pack_checkpoint, unpack_checkpoint
from objectives.checkpoints.weights import pack_weights
from objectives.registry import get_task
from objectives.training_run import TrainingRun
from sweeps.study.environment import code_digest
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Work, WorkPlan


class Worker:
    """Loads task and data once, then trains one trial after the other.

    Raises ObjectiveError when its code or data are not the driver's.
    """

    def __init__(self, plan: WorkPlan) -> None:
        from objectives.training.loop import make_deterministic

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

        from objectives.training.loop import start_run

        self.release()
        run = start_run(
            self._task,
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

        from objectives.training.loop import peak_memory_bytes

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


def _restore(run: TrainingRun, checkpoint: PackedFile | None) -> float:
    """Continue from a checkpoint, from the start where there is none; returns the best score so far."""
    if checkpoint is None:
        return math.nan
    state = unpack_checkpoint(checkpoint)
    run.load_state_dict(state["run"])
    return float(state["best"])
