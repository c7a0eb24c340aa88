"""Makes a specification from settings: combines a task, a space and a data set."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives import DataError, Splits, Task
from objectives.errors import MissingDataError
from objectives.registry import get_task, task_version
from objectives.spelling import did_you_mean
from search_spaces import Space
from sweeps.errors import UsageError
from sweeps.settings import StudySettings, stop_rule_version
from sweeps.study.space_fit import _enqueued, resolve_space
from sweeps.study.specification import Specification, StudyData, TaskVersion
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric


@dataclass(frozen=True)
class Planned:
    """A specification, with the task and the data that were loaded for it."""

    spec: Specification
    task: Task
    splits: Splits


def plan_study(settings: StudySettings, data_root: Path, *, gpus_elsewhere: bool = False) -> Planned:
    """The specification for these settings. Every part is checked.

    gpus_elsewhere: whether trials are trained on a cluster, so that this machine needs no GPU.
    Raises UsageError, ObjectiveError, SpaceError or DataError; each message says what to do.
    """
    task = get_task(settings.task)
    space = resolve_space(task, settings.space, settings.overrides)
    gpus = _gpus(settings.gpus_per_trial, gpus_elsewhere)
    defaults = dataclasses.asdict(task.Parameters())
    data = settings.data or choose_data(task, data_root)
    check_data(task, data)
    plan = DataPlan(data, most_train_rows=settings.train_rows, most_valid_rows=settings.valid_rows)
    splits = plan.load(task, data_root)
    spec = _specification(
        settings,
        task,
        _study_data(plan, splits),
        space=space,
        defaults=defaults,
        gpus=gpus,
        enqueued=[_enqueued(path, task, space, defaults) for path in settings.enqueue],
    )
    if settings.sampler == "grid":
        from search_spaces.points import cells

        if settings.enqueue:
            raise UsageError(
                "--enqueue can't be used with --sampler grid, because a grid has no trials besides its cells."
            )
        cells(space)  # raises if a range has no step
    elif not space.searched:
        raise UsageError(
            "Every parameter is fixed, so there is nothing to search. To run one trial, use --sampler grid."
        )
    return Planned(spec, task, splits)


def check_data(task: Task, data: str) -> None:
    """Raises UsageError if the task does not have this data set."""
    if data not in task.data_sets:
        raise UsageError(
            f"--data {data}: {task.name} has no such data set{did_you_mean(data, task.data_sets)} "
            f"It has: {', '.join(task.data_sets)}."
        )


def plan_point(
    settings: StudySettings,
    task: Task,
    plan: DataPlan,
    point: dict[str, Any],
    *,
    repeats: int,
    data_root: Path,
) -> Planned:
    """The plan to train one complete configuration `repeats` times."""
    splits = plan.load(task, data_root)
    spec = _specification(
        settings,
        task,
        _study_data(plan, splits),
        space=Space.from_dict(point),
        defaults=point,
        gpus=_gpus(settings.gpus_per_trial),
        enqueued=[point],
    )
    return Planned(dataclasses.replace(spec, sampler="list", repeats=repeats), task, splits)


def _specification(
    settings: StudySettings, task: Task, data: StudyData, *, gpus: float, **what: Any
) -> Specification:
    return Specification(
        task=TaskVersion(task.name, task_version(settings.task, task, on_gpus=gpus > 0)),
        metric=Metric(task.metric, task.direction, task.chance_score, data.valid_rows),
        data=data,
        seed=settings.seed,
        sampler=settings.sampler,
        stop_rule=settings.stop_rule,
        stop_rule_version=stop_rule_version(settings.stop_rule),
        rounds=task.rounds if settings.rounds is None else settings.rounds,
        parallelism=settings.parallelism,
        threads=settings.cpus_per_trial,
        gpus=gpus,
        device="cuda" if gpus else "cpu",
        **what,
    )


def plan_again(
    spec: Specification, reference: str, data_root: Path, *, gpus_elsewhere: bool = False
) -> Planned:
    """A stored specification, updated to the task, data and device of today."""
    task = get_task(reference)
    splits = spec.data.plan.load(task, data_root)
    gpus = _gpus(spec.gpus, gpus_elsewhere)
    data = _study_data(spec.data.plan, splits)
    now = dataclasses.replace(
        spec,
        task=TaskVersion(task.name, task_version(reference, task, on_gpus=gpus > 0)),
        metric=dataclasses.replace(spec.metric, num_valid=data.valid_rows),
        data=data,
        gpus=gpus,
    )
    return Planned(now, task, splits)


def _study_data(plan: DataPlan, splits: Splits) -> StudyData:
    return StudyData(plan, splits.digest, len(splits.train), len(splits.valid))


def choose_data(task: Task, data_root: Path) -> str:
    """The first data set that is available; else the first one that can be downloaded."""
    for name in task.data_sets:
        if task.has_data(name, data_root) and not task.is_sample(name):
            return name
    missing: MissingDataError | None = None
    for name in task.data_sets:
        try:
            DataPlan(name).load(task, data_root)
        except MissingDataError as error:
            missing = missing or error
        else:
            return name
    if missing is None:
        raise DataError(f"{task.name} has no data set.")
    raise missing


def _gpus(asked: float | None, elsewhere: bool = False) -> float:
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked is None:
        return 1.0 if there else 0.0
    if asked > there and not elsewhere:
        remedy = f"Use at most {there}." if there else "Remove the option to train on the CPU."
        raise UsageError(
            f"--gpus-per-trial {asked:g}: torch finds {there or 'no'} GPU(s) on this machine. {remedy}"
        )
    return float(asked)
