"""The rounds and results of a study as offline runs of Weights & Biases: a run for each trial."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from sweeps.errors import UsageError
from sweeps.report.exporters.exported_trials import ExportedTrial, check_new, exported_trials
from sweeps.study.stored_study import Study

LONGEST_NAME = 128


def write_offline_runs(study: Study, folder: Path) -> int:
    """Write one offline run for each finished trial into `folder`; returns their number. Nothing is sent.

    Each run has the trial's curves by round, its parameters, and why it ended. All runs are in one group with the name
    of the study. Raises UsageError if `folder` has files or can't be written, if wandb is not installed, or if no trial
    is finished.
    """
    wandb = _library()
    trials = exported_trials(study)
    check_new(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror}). Choose another folder with -o."
        ) from None
    settings = _settings(wandb)
    before, logging.raiseExceptions = (
        logging.raiseExceptions,
        False,
    )  # else a log that can't be written prints tracebacks
    try:
        for trial in trials:
            _write(wandb, settings, folder, study, trial)
    except (wandb.errors.Error, OSError) as error:  # OSError: the disk is full
        raise UsageError(f"{folder}: wandb can't write there: {str(error).strip()[:300]}") from error
    finally:
        wandb.teardown()
        logging.raiseExceptions = before
    return len(trials)


def _library() -> ModuleType:
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else wandb reports its own errors to its makers
    try:
        import wandb
    except ImportError:
        raise UsageError("Runs of Weights & Biases need its library: pip install wandb.") from None
    return wandb


def _settings(wandb: ModuleType) -> Any:
    """Settings with which wandb writes only the study's data: no console output, code, package list or machine data."""
    return wandb.Settings(
        mode="offline",
        silent=True,
        console="off",
        disable_git=True,
        save_code=False,
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


def _write(wandb: ModuleType, settings: Any, folder: Path, study: Study, trial: ExportedTrial) -> None:
    run = wandb.init(
        project=_project(study.spec.task.name),
        group=study.name[:LONGEST_NAME],
        name=trial.name,
        dir=str(folder),
        config={"trial": trial.number, **trial.parameters},
        settings=settings,
        reinit="create_new",
    )
    for each in trial.rounds:
        run.log({**each.figures, "seconds": each.seconds}, step=each.index)
    run.summary.update({"state": trial.state, **trial.end})
    if trial.value is not None:
        run.summary[f"best {study.spec.metric.name}"] = trial.value
    run.finish(exit_code=1 if trial.state == "FAIL" else 0)


def _project(name: str) -> str:
    """`name` as a project name that W&B accepts."""
    return "".join("_" if letter in "/\\#?%:" else letter for letter in name)[:LONGEST_NAME]
