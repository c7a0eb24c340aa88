"""Decides how many GPUs each trial gets, and how many trials share a GPU."""

from __future__ import annotations

import dataclasses
import sys

from sweeps.errors import UsageError
from sweeps.settings import RunSettings, StudySettings
from sweeps.study.specification import Specification
from sweeps.trial.packing import AUTO_MOST, Packing


def gpus_of(asked: float | None, elsewhere: bool = False) -> float:
    """The number of GPUs for each trial: `asked`, if given; else 1 if torch finds a GPU, and 0 if not.

    Raises UsageError if this machine has fewer, unless the trials are trained `elsewhere` (on a cluster).
    """
    there = _num_here()
    if asked is None:
        return 1.0 if there else 0.0
    if asked > there and not elsewhere:
        remedy = f"Use at most {there}." if there else "Remove the option to train on the CPU."
        raise UsageError(f"--gpus-per-trial {asked:g}: {_found(there)}. {remedy}")
    return float(asked)


def with_whole_gpus(settings: StudySettings, run: RunSettings) -> StudySettings:
    """The settings with one whole GPU for each trial if --trials-per-gpu is given. Trials share the GPU at run time.

    So the study is the same as without this option. Raises UsageError if --gpus-per-trial is given, too, or if the
    trials are trained on this machine and it has no GPU.
    """
    if run.trials_per_gpu is None:
        return settings
    option = f"--trials-per-gpu {run.trials_per_gpu}"
    if settings.gpus_per_trial is not None:
        raise UsageError(
            f"{option} can't be used with --gpus-per-trial: a process that trains several trials has one whole GPU. "
            "Remove --gpus-per-trial."
        )
    if run.cluster is None and not _num_here():
        raise UsageError(
            f"{option}: {_found(0)}. Remove the option to train on the CPU, where --workers "
            "sets how many trials run at once."
        )
    return dataclasses.replace(settings, gpus_per_trial=1.0)


def packing_of(run: RunSettings, spec: Specification) -> Packing | None:
    """How many trials share a worker process; None for one trial in each.

    Raises UsageError if the study's trials can't share a GPU in this way.
    """
    if run.trials_per_gpu in (None, 1):
        return None
    option = f"--trials-per-gpu {run.trials_per_gpu}"
    if spec.gpus != 1:
        has = "no GPU" if not spec.gpus else f"{spec.gpus:g} GPU each"
        raise UsageError(
            f"{option}: the trials of this study have {has}, and this is part of its specification. Remove the option, "
            "or launch a new study with --trials-per-gpu and without --gpus-per-trial."
        )
    if spec.task.kind != "task":
        print(
            f"sweep: {option} has no effect: a function runs its own training loop, so each GPU trains one of its "
            "trials at a time. To let processes share a GPU, launch with --gpus-per-trial 0.25.",
            file=sys.stderr,
        )
        return None
    if run.trials_per_gpu == "auto":
        return Packing(min(AUTO_MOST, spec.parallelism), is_measured=True)
    most = int(run.trials_per_gpu or 1)
    if most > spec.parallelism:
        raise UsageError(
            f"{option} is more than the study's parallelism {spec.parallelism}, which is how many trials may run at "
            f"once. Use --trials-per-gpu {spec.parallelism}, or launch a new study with --parallelism {most}."
        )
    return Packing(most)


def _found(num_gpus: int) -> str:
    return f"torch finds {num_gpus or 'no'} GPU{'s' * (num_gpus > 1)} on this machine"


def _num_here() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
