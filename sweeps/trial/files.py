"""The files of a running trial: the weights of its best round, and its latest checkpoint.

Only the driver writes these files; only the driver writes to the database, too. It adds and removes files only while no
other driver can take over the study. So a driver that has lost its study does not change the files of its successor.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from objectives.checkpoints.atomic_write import write_whole
from objectives.checkpoints.packed_file import PackedFile
from sweeps.errors import Unwritable

FOLDERS = ("weights", "checkpoints", "logs")  # in a study's folder
Record = dict[str, Any]  # keys: file (its name), digest, round; for a checkpoint also weights
# Calls a function while no other driver can take over the study.
Fenced = Callable[[Callable[[], None]], None]


class TrialFiles:
    """The files of one trial in a study's folder. fenced: calls the function that adds or removes them."""

    def __init__(self, out: Path, number: int, fenced: Fenced) -> None:
        self._stem = f"trial-{number:04d}"
        self._weights = out / "weights"
        self._checkpoints = out / "checkpoints"
        self._fenced = fenced
        self._there: set[Path] = set()

    def keep_weights(self, round_index: int, packed: PackedFile, instead_of: Record | None) -> Record:
        """Write the weights of a round and return their record. Raises Unwritable."""
        path = self._weights / f"{self._stem}-round-{round_index:06d}.pt"
        older = None if instead_of is None else self._weights / instead_of["file"]
        return self._write(path, round_index, packed, older)

    def keep_checkpoint(self, round_index: int, packed: PackedFile, weights: Record | None) -> Record:
        """Write the state after a round and return its record. Raises Unwritable."""
        path = self._checkpoints / f"{self._stem}-round-{round_index:06d}.ckpt"
        return {**self._write(path, round_index, packed, None), "weights": weights}

    def read_checkpoint(self, record: Mapping[str, Any] | None) -> PackedFile | None:
        """The recorded checkpoint; None if there is none, or if its digest differs from the recorded one."""
        if record is None:
            return None
        try:
            content = (self._checkpoints / record["file"]).read_bytes()
        except OSError:
            return None
        digest = hashlib.sha256(content).hexdigest()
        return PackedFile(content, digest) if digest == record["digest"] else None

    def restore(
        self, checkpoint: Mapping[str, Any] | None, shown: Mapping[str, Any] | None = None
    ) -> set[Path]:
        """Take over the files of an earlier driver and return their paths.

        checkpoint: its record. shown: the record of the weights that were stored when the trial was paused last.
        """
        if shown is not None:
            self._there.add(self._weights / shown["file"])
        if checkpoint is not None:
            self._there.add(self._checkpoints / checkpoint["file"])
            if checkpoint["weights"] is not None:
                self._there.add(self._weights / checkpoint["weights"]["file"])
        return set(self._there)

    def drop(self, checkpoint: Record, weights: Record | None) -> None:
        """Remove a checkpoint that is no longer needed, and the weights that only it needed."""
        there = {self._checkpoints / checkpoint["file"]}
        self._remove(there if weights is None else there | {self._weights / weights["file"]})

    def drop_weights(self, weights: Record) -> None:
        """Remove weights that are no longer needed."""
        self._remove({self._weights / weights["file"]})

    def drop_all_but(self, weights: Record | None) -> None:
        """Remove all files of an ended trial except these weights."""
        self._remove(self._there - ({self._weights / weights["file"]} if weights is not None else set()))

    def _remove(self, paths: set[Path]) -> None:
        if paths:
            self._fenced(lambda: remove(paths))
            self._there -= paths

    def _write(self, path: Path, round_index: int, packed: PackedFile, older: Path | None) -> Record:
        def put(partial: Path, path: Path) -> None:
            if partial.exists():  # if not, an earlier attempt put it in place before the database failed
                partial.replace(path)
            if older is not None and older != path:
                older.unlink(missing_ok=True)

        try:
            write_whole(path, packed.content, lambda *paths: self._fenced(lambda: put(*paths)))
        except OSError as error:
            raise Unwritable(
                f"{path}: can't be written ({error.strerror}). Free some space, or choose another folder with --out."
            ) from error
        self._there = (self._there - {older}) | {path}
        return {"file": path.name, "digest": packed.digest, "round": round_index}


def remove(paths: Iterable[Path]) -> None:
    """Remove the files that exist."""
    for path in paths:
        path.unlink(missing_ok=True)


def files_by_trial(folder: Path) -> dict[int, set[Path]]:
    """The files in a study's folder of weights, or of checkpoints, by the trial's number."""
    found: dict[int, set[Path]] = defaultdict(set)
    for path in folder.glob("trial-*-round-*"):
        found[int(path.name.split("-")[1])].add(path)
    return found
