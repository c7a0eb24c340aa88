"""What a trial leaves on disk while it runs: the weights of its best round, and its latest checkpoint.

Only the driver writes them, as it alone writes to the database. Their names tell trial and round, and a round
of a trial is the same whoever trains it: so even a driver that has lost its study writes what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from objectives.checkpoints.atomic_write import write_whole
from objectives.checkpoints.packed_file import PackedFile
from sweeps.errors import Unwritable

Record = dict[str, Any]  # file (its name), digest, round; of a checkpoint also: weights


class TrialFiles:
    """The files of one trial below a study's folder."""

    def __init__(self, out: Path, number: int) -> None:
        self._stem = f"trial-{number:04d}"
        self._weights = out / "weights"
        self._checkpoints = out / "checkpoints"

    def keep_weights(self, round_index: int, packed: PackedFile) -> Record:
        """Write the weights of a round; returns what is recorded of them. Raises Unwritable."""
        return self._write(self._weights_of(round_index), round_index, packed)

    def keep_checkpoint(self, round_index: int, packed: PackedFile, weights: Record | None) -> Record:
        """Write the state after a round; returns what is recorded of it. Raises Unwritable."""
        return {**self._write(self._checkpoint_of(round_index), round_index, packed), "weights": weights}

    def read_checkpoint(self, record: Mapping[str, Any] | None) -> PackedFile | None:
        """The recorded checkpoint; None where there is none, or not the one that was recorded."""
        if record is None:
            return None
        try:
            content = (self._checkpoints / record["file"]).read_bytes()
        except OSError:
            return None
        digest = hashlib.sha256(content).hexdigest()
        return PackedFile(content, digest) if digest == record["digest"] else None

    def drop_weights(self, record: Mapping[str, Any] | None) -> None:
        """Remove weights that are no longer needed."""
        _remove(self._weights, record)

    def drop_checkpoint(self, record: Mapping[str, Any] | None) -> None:
        """Remove a checkpoint that is no longer needed."""
        _remove(self._checkpoints, record)

    def drop_all_but(self, weights: Mapping[str, Any] | None, rounds: int) -> None:
        """The trial has ended: of all files of its rounds only these weights stay, whoever wrote the others.

        By name: to look for them would be to look through the weights of all other trials.
        """
        kept = None if weights is None else self._weights / weights["file"]
        for round_index in range(1, rounds + 1):
            for path in (self._weights_of(round_index), self._checkpoint_of(round_index)):
                if path != kept:
                    path.unlink(missing_ok=True)

    def _weights_of(self, round_index: int) -> Path:
        return self._weights / f"{self._stem}-round-{round_index:06d}.pt"

    def _checkpoint_of(self, round_index: int) -> Path:
        return self._checkpoints / f"{self._stem}-round-{round_index:06d}.ckpt"

    def _write(self, path: Path, round_index: int, packed: PackedFile) -> Record:
        try:
            write_whole(path, packed.content)
        except OSError as error:
            raise Unwritable(
                f"{path}: can't be written ({error.strerror}). Make room, or name another folder with --out; "
                "then go on with `sweep resume`."
            ) from error
        return {"file": path.name, "digest": packed.digest, "round": round_index}


def weights_files(out: Path) -> Iterator[tuple[int, Path]]:
    """The weights that are there, each with its trial's number."""
    for path in (out / "weights").glob("trial-*-round-*.pt"):
        yield int(path.name.split("-")[1]), path


def _remove(folder: Path, record: Mapping[str, Any] | None) -> None:
    if record is not None:
        (folder / record["file"]).unlink(missing_ok=True)
