"""Makes a specification from settings for a training function of the user, which loads its data itself."""

from __future__ import annotations

import dataclasses
import math

from search_spaces.points import cells
from sweeps.errors import UsageError
from sweeps.own_code.find import OwnCode, OwnObjective
from sweeps.own_code.named_files import with_files
from sweeps.own_code.objective import FunctionObjective
from sweeps.settings import StudySettings, stop_rule_version
from sweeps.study.gpus import gpus_of
from sweeps.study.own_space import enqueued_point, fixed_parameters, own_space
from sweeps.study.planned import Planned
from sweeps.study.specification import Specification, StudyData, TaskVersion
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric

NO_DATA = DataPlan("")


def plan_own(
    settings: StudySettings, code: OwnCode, found: OwnObjective, *, gpus_elsewhere: bool = False
) -> Planned:
    """The plan of a study of a user's own function. Raises UsageError, CodeError or SpaceError."""
    code = with_files(code, found)
    _refuse_data(settings, code)
    _refuse_pausing(settings, code)
    is_open = not isinstance(found, FunctionObjective)
    if is_open and settings.repeats > 1:
        raise UsageError(
            f"--repeats {settings.repeats}: {code.name} is an Optuna objective, which asks for its parameters as it "
            "runs and takes no seed. Train it several times inside the objective, or decorate a function with "
            "@sweeps.objective."
        )
    space = fixed_parameters(settings, code) if is_open else own_space(settings, code, found)
    spec = Specification(
        task=_version(code, found),
        metric=_metric(found),
        data=StudyData(NO_DATA, "", 0, found.valid_rows),
        space=space,
        defaults={},
        seed=settings.seed,
        sampler=settings.sampler,
        stop_rule=settings.stop_rule,
        stop_rule_version=stop_rule_version(settings.stop_rule),
        rounds=found.rounds if settings.rounds is None else settings.rounds,
        parallelism=settings.parallelism,
        threads=settings.cpus_per_trial,
        gpus=(gpus := _gpus(settings.gpus_per_trial, code, gpus_elsewhere)),
        device="cuda" if gpus else "cpu",
        repeats=settings.repeats,
        enqueued=[enqueued_point(path, space, is_open=is_open) for path in settings.enqueue],
        guidance=dict(settings.guidance),
    )
    _check_sampler(settings, spec)
    return Planned(spec, found, None, code)


def plan_own_again(
    spec: Specification, code: OwnCode, found: OwnObjective, *, gpus_elsewhere: bool = False
) -> Planned:
    """A stored specification, updated to the user's code as it is now."""
    code = with_files(code, found)
    now = dataclasses.replace(
        spec,
        task=dataclasses.replace(_version(code, found), name=spec.task.name),
        metric=_metric(found),
        gpus=_gpus(spec.gpus, code, gpus_elsewhere),
    )
    return Planned(now, found, None, code)


def _version(code: OwnCode, found: OwnObjective) -> TaskVersion:
    kind = "function" if isinstance(found, FunctionObjective) else "optuna"
    return TaskVersion(found.name or code.name, "1", kind, code.sources.decisive)  # type: ignore[arg-type]


def _metric(found: OwnObjective) -> Metric:
    return Metric(
        found.metric, found.direction, math.nan if found.chance is None else found.chance, found.valid_rows
    )


def _gpus(asked: float | None, code: OwnCode, elsewhere: bool) -> float:
    """GPUs for each trial, as for a task; but code that does not use torch gets a GPU only if the user asks for one."""
    return 0.0 if not asked and not code.sources.uses_torch else gpus_of(asked, elsewhere)


def _refuse_data(settings: StudySettings, code: OwnCode) -> None:
    for option, value in (
        ("--data", settings.data),
        ("--train-rows", settings.train_rows),
        ("--valid-rows", settings.valid_rows),
        ("--folds", settings.folds),
    ):
        if value is not None:
            raise UsageError(f"{option} {value}: {code.name} loads its data itself. Remove {option}.")


def _refuse_pausing(settings: StudySettings, code: OwnCode) -> None:
    if settings.schedule != "full":
        raise UsageError(
            f"--schedule {settings.schedule}: {code.name} is a function, which can't be paused after any round. "
            "Write a Task class, or remove --schedule."
        )


def _check_sampler(settings: StudySettings, spec: Specification) -> None:
    if spec.is_open:
        if spec.sampler in ("grid", "qmc", "cmaes"):
            raise UsageError(
                f"--sampler {spec.sampler}: this sampler needs the space before the first trial, but an Optuna "
                "objective asks for its parameters as it runs. Use tpe, gp or random, or decorate a function with "
                "@sweeps.objective(space=…)."
            )
    elif spec.sampler == "grid":
        if settings.enqueue:
            raise UsageError(
                "--enqueue can't be used with --sampler grid, because a grid has no trials besides its cells."
            )
        cells(spec.space)  # raises if a range has no step
    elif not spec.space.searched:
        raise UsageError(
            "Every parameter is fixed, so there is nothing to search. To run one trial, use --sampler grid."
        )
