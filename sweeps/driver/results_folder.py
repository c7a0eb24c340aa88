"""The results of a study on disk: the best configuration, and the kept weights."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from objectives import Round
from objectives.checkpoints.atomic_write import write_whole, written_whole
from storage.confirmations import Confirmation
from storage.leases import acquire
from storage.outcomes import Outcome, read_outcomes
from storage.studies import delete_study
from storage.trials import TrialRow
from sweeps.best_config.document import to_yaml
from sweeps.best_config.export import config_of
from sweeps.driver.folder_owner import is_owner, release
from sweeps.driver.leaders import Leaders
from sweeps.driver.observer import Standing
from sweeps.driver.study_driver import StudyDriver
from sweeps.errors import Unwritable, UsageError
from sweeps.remedies import commands_for
from sweeps.study.stored_study import Study
from sweeps.trial.files import FOLDERS, files_by_trial, remove
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment


class ResultsKeeper:
    """Writes best.yaml when the table has a new best trial, and removes weights of worse trials."""

    def __init__(self, driver: StudyDriver, study: Study, weights_kept: int | None) -> None:
        self._driver = driver
        self._study = study
        self._weights_kept = weights_kept
        self._written: tuple[Outcome | None, Confirmation | None] = (
            None,
            None,
        )  # what best.yaml shows: the best trial, and its confirmation
        self._table_seen = 0
        self._leaders = Leaders(driver.spec, driver.part_of, weights_kept or 0)
        self._refresh()

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Write nothing at the start of a trial."""

    def recorded(self, number: int, latest: Round) -> None:
        """Write nothing for a round."""

    def paused(self, number: int) -> None:
        """Update the files if the schedule pauses trials, because a paused trial may be the best so far."""
        if self._study.spec.pauses:
            self._refresh()

    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None:
        """Update the files, because the table may have grown."""
        self._refresh()

    def _refresh(self) -> None:
        """Update best.yaml and the weights to the table, unless another driver has taken over the study."""
        self._driver.writer.fenced(self._bring_up_to_date)

    def _bring_up_to_date(self) -> None:
        table, best = self._driver.table, self._driver.best
        is_search = self._study.spec.probe is None  # a probe has no best configuration
        written = (best, self._study.confirmation())
        if is_search and best is not None and written != self._written:
            try:
                shown = self._study.confirmed(self._study.trial(best.number))
                write_best(self._study, shown, self._study.best_path)
            except UsageError as error:
                raise Unwritable(f"{error} No recorded data is lost.") from error
            self._written = written
        if self._weights_kept is not None and len(table) > self._table_seen:
            self._prune_weights(table)

    def _prune_weights(self, table: Sequence[Outcome]) -> None:
        """Keep the weights of the best trials in the table, and those of all trials outside it."""
        for trial in table[self._table_seen :]:
            self._leaders.add(trial)
        kept = {trial.number for trial in self._leaders.trials} | self._leaders.unfinished
        for number, paths in files_by_trial(self._study.out / "weights").items():
            if number < len(table) and number not in kept and number not in self._driver.may_go_on:
                remove(paths)
        self._table_seen = len(table)


def weights_path(study: Study, trial: TrialRow) -> Path | None:
    """The path of a trial's best weights, or None if none were recorded."""
    weights = trial.attributes.get("weights")
    return None if weights is None else study.out / "weights" / str(weights["file"])


def _kept(study: Study, trial: TrialRow) -> Path | None:
    """The path of a trial's best weights, or None if the file does not exist."""
    path = weights_path(study, trial)
    return path if path is not None and path.is_file() else None


def write_best(study: Study, trial: TrialRow, path: Path, weights: Path | None = None) -> None:
    """Write a trial's configuration to `path`. It names its weights file by a relative path if possible.

    weights: copy the trial's weights to this file, too; None for no copy. Raises UsageError if the weights to be copied
    were not kept, or if a file can't be written.
    """
    kept = _kept(study, trial)
    if weights is not None:
        _copy(check_kept(study, trial), weights)
        kept = weights
    try:
        write_whole(path, best_yaml(study, trial, path, kept).encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def best_yaml(study: Study, trial: TrialRow, path: Path, kept: Path | None = None) -> str:
    """The text of a trial's configuration for the file `path`. kept: its weights file; None if the text names none."""
    config = config_of(study, trial)
    if config.weights is not None:
        named = None if kept is None else config.weights.model_copy(update={"file": _beside(kept, path)})
        config = config.model_copy(update={"weights": named})
    comment = (
        f"Trial {trial.number} of study {study.name}: {config.metric} {trial.value!r} on the validation split, "
        f"round {config.best_round}.\n"
        "To train it again, use `sweep replay`. To start a study from it, use `sweep launch --enqueue`."
    )
    return to_yaml(config.to_dict(), comment)


def check_kept(study: Study, trial: TrialRow) -> Path:
    """The path of a trial's best weights. Raises UsageError if they were not kept."""
    kept = _kept(study, trial)
    if kept is None:
        raise UsageError(
            f"The weights of trial {trial.number} were not kept. To train them again, replay the "
            "configuration; to keep all weights, launch with --keep-weights all."
        )
    return kept


def check_writable(folder: Path) -> None:
    """Raises UsageError unless files can be written into `folder`. Leaves neither a file nor the folder."""
    probe = folder / f".writable.{os.getpid()}"
    made: list[Path] = []
    try:
        for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
            missing.mkdir(exist_ok=True)
            made.append(missing)
        probe.touch()
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written to ({error.strerror}). Choose another folder with --out."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
        with contextlib.suppress(OSError):  # another launch may have written something there by now
            for folder_made in reversed(made):
                folder_made.rmdir()


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files of killed drivers: their names contain the id of a process that has ended."""
    for place in (folder, *(folder / name for name in FOLDERS)):
        for partial in place.glob(".*.partial"):
            *_, writer, _ = partial.name.split(".")
            if not (writer.isdecimal() and psutil.pid_exists(int(writer))):
                partial.unlink(missing_ok=True)


def delete_with_results(study: Study) -> None:
    """Delete a study and its files. Raises StorageError if a driver runs the study."""
    numbers = [trial.number for trial in read_outcomes(study.database, study.row.study_id)]
    with commands_for(study.name, study.storage_option):
        lease = acquire(study.database, study.row.study_id)
    try:
        delete_study(lease, lambda: _remove_results(study, numbers))
    finally:
        lease.release()


def _remove_results(study: Study, numbers: Iterable[int]) -> None:
    """Remove the files of a deleted study: best.yaml, its trials' files, and folders that are then empty.

    Remove nothing from a folder that belongs to another study.
    """
    if not is_owner(study.out, study.row):
        return
    study.best_path.unlink(missing_ok=True)
    release(study.out)
    for number in numbers:
        for file in study.out.glob(f"*/trial-{number:04d}[.-]*"):
            file.unlink(missing_ok=True)
    for folder in (*(study.out / name for name in FOLDERS), study.out):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _copy(source: Path, target: Path) -> None:
    """Write the whole file or nothing. Raises UsageError if it can't be written."""
    try:
        with source.open("rb") as weights, written_whole(target) as file:
            shutil.copyfileobj(weights, file)
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path}: can't be written ({error.strerror}). Free some space, or choose another place."
    )


def _beside(weights: Path, config: Path) -> str:
    """The path of the weights: relative if they are below the configuration's folder, else absolute."""
    try:
        return str(weights.resolve().relative_to(config.resolve().parent))
    except ValueError:
        return str(weights.resolve())
