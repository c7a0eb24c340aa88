"""Runs a whole sweep, step by step: settings -> specification -> study -> runner -> result."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from objectives import known_code
from storage import Database, StorageUnavailable, open_database
from storage.leases import Lease, acquire, new_token
from storage.requests import clear_requests
from storage.retry import with_retries
from storage.studies import StudyRow, create_study, find_study, get_study, update_run
from storage.url import parse_url, sqlite_path
from sweeps import paths
from sweeps.best_config.export import example_rows
from sweeps.driver.folder_owner import check_owner, claim
from sweeps.driver.notices import Notices
from sweeps.driver.results_folder import ResultsKeeper, check_writable, remove_unfinished
from sweeps.driver.sliced_driver import SlicedDriver
from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Ending, Termination
from sweeps.errors import Interrupted, NoCompletedTrial, StoppedOnRequest, TooManyFailures
from sweeps.launching import Launch, Watcher, launch_of, prepare
from sweeps.remedies import commands_for, continued_by
from sweeps.runners import Runner
from sweeps.settings import RunSettings, StudySettings
from sweeps.study.continuity import (
    check_environment,
    check_same,
    check_stop_rule_version,
    check_unchanged,
)
from sweeps.study.environment import code_digest
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_again
from sweeps.study.specification import Specification
from sweeps.study.stored_study import Study, storage_option
from sweeps.trial.running_trial import Place
from sweeps.trial.work import WorkPlan

OPENING_TIMEOUT_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """A study after a run, and the reason if the run ended early."""

    study: Study
    ending: Ending | None
    signal_number: int = 0
    forced: bool = False

    @property
    def resume_command(self) -> str:
        """The command that continues the study; with --force if this run needed it."""
        return self.study.command("resume", *(["--force"] if self.forced else []))

    def raise_for_ending(self, command: str | None = None) -> None:
        """Raise the error with which the command line exits; raise nothing if the study is complete.

        command: the one that continues the study, if that is not `sweep resume`.
        """
        again = f"To continue: {command or self.resume_command}"
        why = f"To see why: {self._explaining_command()}"
        match self.ending:
            case "interrupted":
                raise Interrupted(f"Interrupted; the running trials are paused. {again}", self.signal_number)
            case "stopped":
                raise StoppedOnRequest(f"Ended by `sweep stop`. {again}")
            case "failures":
                # To correct the code changes it, and a study with changed code only continues with --force.
                if self.study.spec.task.code:
                    again = f"After correcting the code: {self.study.command('resume', '--force')}, or launch it again"
                raise TooManyFailures(f"Too many trials failed. {why}. {again}")
        if not self.study.ranking(1):
            if self.ending == "timeout":
                raise NoCompletedTrial(f"The time limit was reached before a trial was complete. {again}")
            raise NoCompletedTrial(f"No trial completed. {why}")

    def _explaining_command(self) -> str:
        """The command that shows why trials did not complete: the latest failed trial if there is one, else all."""
        failed = [trial.number for trial in self.study.all_trials() if trial.state == "FAIL"]
        return self.study.command("show", str(failed[-1])) if failed else self.study.command("trials")


def launch(
    settings: StudySettings,
    run: RunSettings | None = None,
    *,
    study: str | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> Result:
    """Run a new study, or continue the study of the same specification.

    Raises UsageError if a study of this name has another specification. The message shows the differences.
    """
    return _begin(prepare(settings, run or RunSettings(), study=study, storage=storage), watcher)


def run_planned(
    planned: Planned,
    run: RunSettings,
    *,
    study: str,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> Result:
    """Run or continue a study whose specification was not made from settings."""
    return _begin(launch_of(planned, run, study, storage), watcher)


def _begin(launching: Launch, watcher: Watcher | None) -> Result:
    out = paths.out_folder(launching.run.out, launching.name, parse_url(launching.storage))
    check_writable(out)
    database = open_database(launching.storage, create=True)
    row = _find(database, launching)
    check_owner(out, database, row, launching.planned.spec.fingerprint)
    row = row or _create(database, launching)
    return _drive(database, row, launching, watcher)


def resume(
    name: str,
    changes: dict[str, Any] | None = None,
    *,
    storage: str | None = None,
    force: bool = False,
    watcher: Watcher | None = None,
) -> Result:
    """Continue a stored study, with `changes` to how it is run.

    Raises UsageError if something has changed that can change results, unless `force`. The message shows the changes.
    """
    url = paths.storage_url(storage)
    database = _with_retries(url, lambda: open_database(url))
    with commands_for(name, storage_option(database)):
        row = _with_retries(url, lambda: get_study(database, name))
    spec = Specification.from_dict(row.specification)
    given = {key: value for key, value in (changes or {}).items() if value is not None}
    kept = {**row.run, "timeout_seconds": None}
    if given.get("runner") not in (None, row.run["runner"]):  # options for the other runner
        kept |= {"workers": None, "trial_timeout_seconds": None, "start_timeout_seconds": None}
    run = RunSettings.from_dict({**kept, **given})
    now = plan_again(spec, run.task, paths.data_root(run.data_dir), gpus_elsewhere=run.cluster is not None)
    if not force:
        forced = Study(database, row).command("resume", "--force")
        check_unchanged(row, now, f"Undo the change, or continue anyway: {forced}")
        check_stop_rule_version(row, spec, forced)
    check_environment(
        row,
        dataclasses.replace(now, spec=spec),
        run,
        force=force,
        where=Study(database, row).storage_option,
    )
    launching = dataclasses.replace(
        launch_of(dataclasses.replace(now, spec=spec), run, name, storage), forced=force
    )
    out = paths.out_folder(run.out, name, database.url)
    check_writable(out)
    check_owner(out, database, row, row.fingerprint)
    return _drive(database, row, launching, watcher)


def preview(
    settings: StudySettings, run: RunSettings, *, study: str | None, storage: str | None
) -> tuple[Launch, Study | None]:
    """The launch that `launch` would run, and the stored study that it would continue, or None.

    Writes nothing; raises as `launch` does.
    """
    launching = prepare(settings, run, study=study, storage=storage)
    try:
        database = open_database(launching.storage)
    except StorageUnavailable:
        return launching, None
    row = _find(database, launching)
    return launching, None if row is None else Study(database, row)


def _find(database: Database, launching: Launch) -> StudyRow | None:
    """The stored study that a launch continues, or None. Raises UsageError if it can't continue."""
    spec = launching.planned.spec
    row = find_study(database, launching.name)
    if row is not None:
        check_same(row, spec, Study(database, row).storage_option)
        check_environment(
            row, launching.planned, launching.run, force=False, where=Study(database, row).storage_option
        )
    return row


def _create(database: Database, launching: Launch) -> StudyRow:
    spec = launching.planned.spec
    return create_study(
        database,
        launching.name,
        fingerprint=spec.fingerprint,
        specification=spec.to_dict(),
        run=launching.run.to_dict(),
        provenance={
            "id": uuid.uuid4().hex,
            "environments": {},
            "example_rows": None if launching.planned.rows is None else example_rows(launching.planned.rows),
        },
    )


def _drive(database: Database, row: StudyRow, launching: Launch, watcher: Watcher | None) -> Result:
    """Run the study as its only driver."""
    named = Study(database, row)
    again = named.command("resume", *(["--force"] if launching.forced else []))
    with commands_for(row.name, named.storage_option), continued_by(again):
        url, token = launching.storage, new_token()
        lease = _with_retries(url, lambda: acquire(database, row.study_id, token=token))
        try:
            _with_retries(url, lambda: _note_run(lease, row, launching))
            study = Study(database, _with_retries(url, lambda: get_study(database, row.name)))
            termination = _termination(study, lease)
            with termination.signals():  # from here on, a signal ends the run in order
                _run(study, launching, lease, termination, watcher)
        finally:
            lease.release()
    return Result(study, termination.ending, termination.signal_number, launching.forced)


def _termination(study: Study, lease: Lease) -> Termination:
    return Termination(
        study.database,
        study.row.study_id,
        lease,
        timeout_seconds=study.run.timeout_seconds,
        max_failures=study.run.max_failures,
    )


def _run(
    study: Study, launching: Launch, lease: Lease, termination: Termination, watcher: Watcher | None
) -> None:
    """Train the missing trials. The caller holds the lease."""
    with lease.writing():  # a driver that was suspended since it got the lease must not take the folder
        claim(study.out, study.database, study.row)
        remove_unfinished(study.out)
    if launching.planned.sources is not None:
        known_code.note(launching.planned.sources)
    target = launching.run.target
    make = SlicedDriver if study.spec.pauses else StudyDriver
    driver = make(
        study.database,
        study.row,
        study.out,
        lease=lease,
        num_trials=launching.most_trials,
        target=target,
        give_up=lambda: termination.signal_number != 0,
    )
    if watcher is not None:
        watcher.begins(launching, study, driver.standing)
    driver.here = Place(driver.note_environment(_environment_here(launching)))
    driver.observers.append(ResultsKeeper(driver, study, launching.run.weights_kept))
    driver.observers += [] if watcher is None else [watcher]
    termination.check(driver)
    if not termination.pauses and not driver.is_over:
        _runner(launching).run(driver, work_plan(launching), termination)
        if study.spec.is_open:
            _say_unasked(study)


def _say_unasked(study: Study) -> None:
    """Print the fixed parameters for which no trial of an Optuna objective has asked; they may be misspelt."""
    asked = {name for trial in study.all_trials() for name in trial.params}
    fixed = [parameter.name for parameter in study.spec.space]
    if asked:
        Notices().unasked([name for name in fixed if name not in asked], sorted(asked))


def _with_retries(url: str, call: Callable[[], T]) -> T:
    """Call `call`, and try again for a minute if the database server is unreachable. Does not retry for a file."""
    if sqlite_path(parse_url(url)) is not None:
        return call()
    return with_retries(call, timeout_seconds=OPENING_TIMEOUT_SECONDS)


def _note_run(lease: Lease, row: StudyRow, launching: Launch) -> None:
    """Store how the study is run from now on, and remove requests to the previous run."""
    with lease.writing() as connection:
        clear_requests(connection, row.study_id)
        update_run(connection, row.study_id, launching.run.to_dict())


def _environment_here(launching: Launch) -> dict[str, Any]:
    """The environment of this process. For a cluster, it is marked as one in which no trial is trained."""
    record = launching.planned.environment()
    return record if launching.run.cluster is None else {**record, "trains": False}


def _runner(launching: Launch) -> Runner:
    if launching.run.runner == "inline":
        if launching.packing is not None:
            from sweeps.runners.inline_pack import InlinePackRunner

            return InlinePackRunner(launching.packing.at_most(launching.workers))
        from sweeps.runners.inline import InlineRunner

        return InlineRunner()
    from sweeps.runners.ray_tune.runner import RayRunner
    from sweeps.runners.ray_tune.start_watch import START_TIMEOUT_SECONDS

    run = launching.run
    return RayRunner(
        launching.workers,
        launching.planned.spec.gpus,
        launching.packing,
        trial_timeout_seconds=run.trial_timeout_seconds,
        start_timeout_seconds=run.start_timeout_seconds or START_TIMEOUT_SECONDS,
        address=run.cluster,
        mixed_hardware=run.mixed_hardware,
        forced=launching.forced,
    )


def work_plan(launching: Launch) -> WorkPlan:
    """What the workers of this launch must know about the study."""
    spec, run = launching.planned.spec, launching.run
    return WorkPlan(
        task=run.task,
        data=spec.data.plan,
        data_root=str(paths.data_root(run.data_dir)),
        data_digest=spec.data.digest,
        metric=spec.metric,
        threads=spec.threads,
        device=spec.device,
        code=code_digest(),
        keep_weights=run.weights_kept != 0,
        checkpoint_seconds=run.checkpoint_seconds,
        sources=launching.planned.sources,
        is_function=spec.task.kind != "task",
        folder=str(Path.cwd()),
        probe=spec.probe,
    )
