"""Prepares the launch of a study. Everything is checked before anything is written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from sweeps import paths
from sweeps.driver.observer import Observer, Standing
from sweeps.errors import UsageError
from sweeps.samplers.by_name import SAMPLERS
from sweeps.samplers.proposer import num_points
from sweeps.settings import RunSettings, StudySettings, check_study_name, check_word
from sweeps.study.gpus import packing_of, with_whole_gpus
from sweeps.study.places import num_workers
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_study
from sweeps.study.stored_study import Study, load
from sweeps.study.warm_start import warm_started
from sweeps.trial.packing import Packing

DEFAULT_TRIALS = 20


@dataclass(frozen=True)
class Launch:
    """A study that is about to run, and how it is run.

    num_trials: the planned trials, or configurations if each has several trials; failed cells of a grid that run again
    are not counted. forced: whether to run even if something has changed that can change results. packing: how many
    trials share a worker process; None for one.
    """

    planned: Planned
    name: str
    run: RunSettings
    workers: int
    num_trials: int
    storage: str
    forced: bool = False
    packing: Packing | None = None

    @property
    def most_trials(self) -> int | None:
        """The largest number of trials; None for a whole grid, whose failed cells are run again."""
        is_whole = num_points(self.planned.spec) is not None and self.run.num_trials is None
        return None if is_whole else self.num_trials


class Watcher(Observer, Protocol):
    """Watches a run: it first receives the launch, then each event."""

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        """The study is about to run or to continue."""


def prepare(settings: StudySettings, run: RunSettings, *, study: str | None, storage: str | None) -> Launch:
    """The launch for these settings. Raises UsageError, ObjectiveError, SpaceError or DataError."""
    check_word("--sampler", settings.sampler, SAMPLERS)
    settings = with_whole_gpus(settings, run)
    planned = plan_study(settings, paths.data_root(run.data_dir), gpus_elsewhere=run.cluster is not None)
    run = dataclasses.replace(run, task=planned.reference or settings.task)
    if settings.warm_start is not None:
        planned = warm_started(planned, load(settings.warm_start, storage))
    spec = planned.spec
    if study is not None:
        check_study_name(study)
    if run.num_trials is not None and run.num_trials <= len(spec.enqueued):
        raise UsageError(
            f"-n {run.num_trials} is too small: the defaults and the enqueued configurations alone need "
            f"{1 + len(spec.enqueued)} trials."
        )
    return launch_of(planned, run, study or f"{spec.task.name}-{spec.fingerprint[:8]}", storage)


def launch_of(planned: Planned, run: RunSettings, name: str, storage: str | None) -> Launch:
    """The launch of a planned study. Raises UsageError if its workers do not fit."""
    spec = planned.spec
    if spec.trials_each > 1 and run.target is not None:
        raise UsageError(
            f"--target {run.target:g} can't be used with --repeats or --folds: if one trial reaches the target, its "
            "configuration's mean may not."
        )
    if spec.pauses and run.target is not None:
        raise UsageError(
            f"--target {run.target:g} can't be used with --schedule {spec.schedule}, because the number of workers "
            "would decide which trial reaches it first. Remove one of the two."
        )
    all_points = num_points(spec)
    if all_points is not None:
        num_trials = min(run.num_trials or all_points, all_points)
    else:
        num_trials = run.num_trials or DEFAULT_TRIALS
    packing = packing_of(run, spec)
    workers = 1
    if run.runner != "inline" or packing is not None:
        pack = 1 if packing is None else packing.most
        workers = num_workers(run, parallelism=spec.parallelism, cpus=spec.threads, gpus=spec.gpus, pack=pack)
    return Launch(planned, name, run, workers, num_trials, paths.storage_url(storage), packing=packing)
