"""Decides how many trials run at once on this machine, or on a cluster."""

from __future__ import annotations

from sweeps.errors import UsageError
from sweeps.settings import RunSettings, cores


def num_workers(run: RunSettings, *, parallelism: int, cpus: int, gpus: float, pack: int = 1) -> int:
    """How many trials run at once.

    pack: how many trials share a worker process. Raises UsageError if there are more than the study's parallelism, or
    more than the GPUs of this machine can hold.
    """
    placeable = max(1, cores() // cpus)
    if gpus > 0 and run.cluster is None:
        placeable = _fitting(gpus) * pack
    elif pack > 1:
        placeable *= pack
    if run.runner == "inline":
        placeable = pack  # in this process, on its first GPU
    if run.workers is None and run.cluster is not None:
        return parallelism  # the largest number: Ray places as many as fit, and more when nodes join
    if run.workers is None:
        return min(parallelism, placeable)
    if run.workers > parallelism:
        raise UsageError(
            f"--workers {run.workers} is more than the study's parallelism {parallelism}. A trial can only begin "
            f"when the trial {parallelism} numbers before it has ended, so more workers would be idle. Use --workers "
            f"{parallelism}, or launch a new study with --parallelism {run.workers}."
        )
    if gpus > 0 and run.cluster is None and run.workers > placeable:
        raise UsageError(_no_room(run.workers, placeable, gpus, run.trials_per_gpu))
    return run.workers


def _no_room(workers: int, placeable: int, gpus: float, per_gpu: int | str | None) -> str:
    if per_gpu is not None:
        return (
            f"--workers {workers}: with --trials-per-gpu {per_gpu}, this machine has room for {placeable}. Use "
            f"--workers {placeable}, or a larger --trials-per-gpu."
        )
    packed = " --trials-per-gpu lets them share it without a new study." if gpus == 1 else ""
    return (
        f"--workers {workers}: with {gpus:g} GPU for each trial, this machine has room for {placeable}. Use "
        f"--workers {placeable}, or launch a new study with a smaller --gpus-per-trial: several trials can share a GPU."
        f"{packed}"
    )


def _fitting(gpus: float) -> int:
    """How many trials fit on this machine's GPUs. A trial that uses part of a GPU is never split over two GPUs."""
    import torch

    there = torch.cuda.device_count()
    return there * int(1 / gpus + 1e-6) if gpus < 1 else there // int(gpus)
