"""Makes a specification from settings: combines a task, a space and a data set."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from objectives import DataError, Splits, Task
from objectives.errors import MissingDataError
from objectives.registry import get_task, task_version
from objectives.spelling import did_you_mean
from search_spaces import Space
from sweeps.errors import UsageError
from sweeps.own_code.find import OWN_OBJECTIVES, OwnCode, find, is_own
from sweeps.settings import StudySettings, stop_rule_version
from sweeps.study.gpus import gpus_of
from sweeps.study.own_planning import plan_own, plan_own_again
from sweeps.study.planned import Planned
from sweeps.study.space_fit import _enqueued, resolve_space
from sweeps.study.specification import Specification, StudyData, TaskVersion
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric


def plan_study(settings: StudySettings, data_root: Path, *, gpus_elsewhere: bool = False) -> Planned:
    """The plan of a study with these settings. Every part is checked.

    gpus_elsewhere: whether trials are trained on a cluster, so that this machine needs no GPU.
    Raises UsageError, ObjectiveError, SpaceError or DataError; each message says what to do.
    """
    code = find(settings.task) if is_own(settings.task) else None
    found = None if code is None else code.load()
    if code is not None and isinstance(found, OWN_OBJECTIVES):
        return plan_own(settings, code, found, gpus_elsewhere=gpus_elsewhere)
    task = get_task(settings.task)
    space = resolve_space(task, settings.space, settings.overrides)
    gpus = gpus_of(settings.gpus_per_trial, gpus_elsewhere)
    defaults = dataclasses.asdict(task.Parameters())
    data = settings.data or choose_data(task, data_root)
    check_data(task, data)
    plan = DataPlan(
        data,
        folds=settings.folds or 0,
        most_train_rows=settings.train_rows,
        most_valid_rows=settings.valid_rows,
    )
    splits = plan.load(task, data_root)
    plan.fold(task, splits, 0)  # raises if the rows can't be divided, before any trial starts
    spec = _specification(
        settings,
        task,
        _study_data(plan, splits),
        space=space,
        defaults=defaults,
        gpus=gpus,
        enqueued=[_enqueued(path, task, space, defaults) for path in settings.enqueue],
        code=code,
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
    return Planned(spec, task, splits, code)


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
        gpus=gpus_of(settings.gpus_per_trial),
        enqueued=[point],
    )
    return Planned(dataclasses.replace(spec, sampler="list", repeats=repeats), task, splits)


def _specification(
    settings: StudySettings,
    task: Task,
    data: StudyData,
    *,
    gpus: float,
    code: OwnCode | None = None,
    **what: Any,
) -> Specification:
    return Specification(
        task=_version(task, code, gpus),
        metric=Metric(task.metric, task.direction, task.chance_score, data.valid_rows),
        data=data,
        seed=settings.seed,
        sampler=settings.sampler,
        stop_rule=settings.stop_rule,
        stop_rule_version=stop_rule_version(settings.stop_rule),
        schedule=settings.schedule,
        rounds=task.rounds if settings.rounds is None else settings.rounds,
        parallelism=settings.parallelism,
        threads=settings.cpus_per_trial,
        gpus=gpus,
        device="cuda" if gpus else "cpu",
        guidance=dict(settings.guidance),
        repeats=settings.repeats * (settings.folds or 1),
        **what,
    )


def plan_again(
    spec: Specification, reference: str, data_root: Path, *, gpus_elsewhere: bool = False
) -> Planned:
    """A stored specification, updated to the task, data and device of today."""
    code = find(reference) if is_own(reference) else None
    found = None if code is None else code.load()
    if code is not None and isinstance(found, OWN_OBJECTIVES):
        return plan_own_again(spec, code, found, gpus_elsewhere=gpus_elsewhere)
    task = get_task(reference)
    splits = spec.data.plan.load(task, data_root)
    gpus = gpus_of(spec.gpus, gpus_elsewhere)
    data = _study_data(spec.data.plan, splits)
    now = dataclasses.replace(
        spec,
        task=_version(task, code, gpus),
        metric=dataclasses.replace(spec.metric, num_valid=data.valid_rows),
        data=data,
        gpus=gpus,
    )
    return Planned(now, task, splits, code)


def _version(task: Task, code: OwnCode | None, gpus: float) -> TaskVersion:
    digests = {} if code is None else code.sources.digests
    return TaskVersion(task.name, task_version(task, on_gpus=gpus > 0), code=digests)


def _study_data(plan: DataPlan, splits: Splits) -> StudyData:
    return StudyData(plan, splits.digest, len(splits.train), len(splits.valid))


def choose_data(task: Task, data_root: Path) -> str:
    """The task's first data set that is available and no sample; else the first one that loads or can be downloaded.

    Raises MissingDataError if there is none.
    """
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
