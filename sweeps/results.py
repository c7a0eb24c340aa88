"""What a study leaves on disk while it runs: the best configuration, and the weights worth keeping."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from objectives import Round
from storage.patience import patiently
from storage.trials import TrialRow, ranking
from sweeps.best_config import write_config
from sweeps.book import Assignment, StudyBook
from sweeps.errors import UsageError
from sweeps.outcome import End
from sweeps.study import Study


class ResultsKeeper:
    """Writes best.yaml whenever the table grows to a new best, and prunes weights to the best few."""

    def __init__(self, book: StudyBook, study: Study, weights_kept: int | None) -> None:
        self._book = book
        self._study = study
        self._weights_kept = weights_kept
        self._best: int | None = None
        self.refresh()

    def started(self, assignment: Assignment, *, again: bool) -> None:
        """Nothing is written of a trial that begins."""

    def recorded(self, number: int, latest: Round) -> None:
        """Nothing is written of a round."""

    def put_away(self, number: int) -> None:
        """Nothing is written of a trial that waits."""

    def ended(self, number: int, end: End, num_rounds: int) -> None:
        """The table may have grown; the trial's checkpoints have served."""
        for checkpoint in (self._study.out / "checkpoints").glob(f"trial-{number:04d}-*.ckpt"):
            checkpoint.unlink(missing_ok=True)
        patiently(self.refresh, give_up=self._book.ledger.give_up)

    def refresh(self) -> None:
        """Bring best.yaml and the weights up to the table."""
        table = self._book.table
        ranked = ranking(table, self._book.spec.direction)
        if ranked and ranked[0].number != self._best:
            write_best(self._study, ranked[0], self._study.best_path)
            self._best = ranked[0].number
        self._prune_weights(table, ranked)

    def _prune_weights(self, table: list[TrialRow], ranked: list[TrialRow]) -> None:
        """Of the table's trials, keep the weights of the best; of those beyond it, all."""
        if self._weights_kept is None:
            return
        kept = {trial.number for trial in ranked[: self._weights_kept]}
        for trial in table:
            if trial.number not in kept:
                weights_path(self._study, trial.number).unlink(missing_ok=True)


def weights_path(study: Study, number: int) -> Path:
    """Where a trial's best weights are kept."""
    return study.out / "weights" / f"trial-{number:04d}.pt"


def write_best(study: Study, trial: TrialRow, path: Path, weights: Path | None = None) -> None:
    """Write a trial's configuration; it names its weights file by a path beside its own.

    weights: copy the weights there. Raises UsageError where the trial's weights were not kept.
    """
    config = study.best_config(trial)
    kept = weights_path(study, trial.number)
    if weights is not None:
        if not kept.is_file():
            raise UsageError(
                f"The weights of trial {trial.number} were not kept. Replay the configuration to make them "
                "again, or launch with --keep-weights all."
            )
        weights.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, weights)
        kept = weights
    if config["weights"] is not None:
        config["weights"] = {**config["weights"], "file": _beside(kept, path)} if kept.is_file() else None
    comment = (
        f"Trial {trial.number} of study {study.name}: {config['metric']} {trial.value!r} on the validation split, "
        f"round {config['best_round']}.\n"
        "Replay it with `sweep replay`, start a study from it with `sweep launch --enqueue`."
    )
    try:
        write_config(path, config, comment)
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written ({error.strerror}); name another folder with --out."
        ) from None


def check_writable(folder: Path) -> None:
    """Raises UsageError unless files can be written into `folder`, which is made where it is missing."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written to ({error.strerror}); name another folder with --out."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _beside(weights: Path, config: Path) -> str:
    """The weights' path relative to the configuration's folder, where it lies below; else absolute."""
    try:
        return str(weights.resolve().relative_to(config.resolve().parent))
    except ValueError:
        return str(weights.resolve())
