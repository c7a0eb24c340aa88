"""Caches rows that take long to make, in files that all processes map into memory, so that they are made only once.

An entry is a folder that is written atomically. Its name depends on the source of the rows, so a changed source gives
another entry. If the source is missing, the cache is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
from numpy.lib import format as npy
from torch import Tensor

from objectives.datasets.trees import Tree
from objectives.errors import DataError
from objectives.rows.rows import Rows
from objectives.rows.splitting import digest_rows

FOLDER = "decoded"
_ABOUT = "rows.json"
_NEWEST_KEPT = 3  # entries to keep for each data set, because a machine may have several data folders
_ABANDONED_SECONDS = 86_400.0


@dataclass(frozen=True)
class Kept:
    """Rows by part, and the digest that `digest_rows` gives for all parts in order."""

    parts: Mapping[str, Rows]
    digest: str


def kept_rows(name: str, tree: Tree, recipe: str, root: Path, make: Callable[[], Mapping[str, Rows]]) -> Kept:
    """The rows that `make` makes from `tree`, now or earlier. The files are mapped: parts are read when rows are used.

    recipe: everything besides the tree that the rows depend on. Changes to the rows in memory never reach the files. If
    the rows can't be cached, they are made each time, and a line on stderr says so. Raises DataError if the tree
    changes meanwhile, and the errors of `make`.
    """
    made_from = tree.fingerprint()
    key = hashlib.sha256(json.dumps([name, recipe, made_from]).encode()).hexdigest()
    entry = f"{name}.{key[:16]}"
    if made_from is not None:
        for place in _places(root):
            if kept := _open(place / entry, key):
                return kept
    parts = make()
    made = Kept(parts, digest_rows(*parts.values()))
    if made_from is None:
        return made
    if tree.fingerprint() != made_from:
        raise DataError(f"{tree.path} changed while it was read; launch again.")
    return _keep(made, name, entry, key, _places(root)) or made


def _places(root: Path) -> list[Path]:
    """The folders with entries. A new entry is written to the first writable one."""
    given = os.environ.get("SWEEP_CACHE_DIR")
    if not given:
        return [root / FOLDER, platformdirs.user_cache_path("onset-sweeps") / FOLDER]
    place = Path(given).expanduser()
    if not place.is_absolute():
        raise DataError(
            f"SWEEP_CACHE_DIR: {given} must be an absolute path, because workers run in other folders."
        )
    return [place]


def _open(entry: Path, key: str) -> Kept | None:
    """The rows of an entry; None if it is missing or damaged."""
    try:
        about = json.loads((entry / _ABOUT).read_bytes())
        if about["key"] != key:
            return None
        parts = {
            part: Rows(*(_map(entry / _file(part, kind), files[kind]) for kind in ("inputs", "targets")))
            for part, files in about["parts"].items()
        }
        return Kept(parts, about["digest"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _map(path: Path, written: list[int]) -> Tensor:
    if _status(path) != written:
        raise ValueError(f"{path} is not as it was written")
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def _status(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _file(part: str, kind: str) -> str:
    return f"{part}-{kind}.npy"


def _keep(made: Kept, name: str, entry: str, key: str, places: list[Path]) -> Kept | None:
    place = next(filter(_can_be_written, places), None)
    try:
        if place is None:
            raise PermissionError(f"{places[-1]} can't be written")
        place.mkdir(parents=True, exist_ok=True)
        _write(made, place / entry, key)
    except OSError as error:
        print(
            f"decoded {name} can't be cached, so it is decoded again at each launch ({error.strerror or error}). "
            "Set SWEEP_CACHE_DIR to another folder.",
            file=sys.stderr,
        )
        return None
    with contextlib.suppress(OSError):  # another process may remove entries at the same time
        _tidy(place, name)
    return _open(place / entry, key)


def _can_be_written(folder: Path) -> bool:
    """Whether a folder can be written. False even for root if no user has write permission: that was intended."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def _write(made: Kept, entry: Path, key: str) -> None:
    partial = entry.with_name(f".{entry.name}.{uuid.uuid4().hex}.partial")
    partial.mkdir()
    try:
        about = {part: _write_part(partial, part, rows) for part, rows in made.parts.items()}
        text = json.dumps({"key": key, "digest": made.digest, "parts": about})
        (partial / _ABOUT).write_text(text, encoding="utf-8")
        if entry.exists() and _open(entry, key) is None:
            shutil.rmtree(entry)
        try:
            partial.rename(entry)
        except OSError:
            if not entry.exists():  # else another process has written the same rows
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_part(folder: Path, part: str, rows: Rows) -> dict[str, list[int]]:
    written = {}
    for kind, tensor in (("inputs", rows.inputs), ("targets", rows.targets)):
        path = folder / _file(part, kind)
        with path.open("wb") as out:
            array = (
                tensor.contiguous().numpy()
            )  # np.save does not notice if the disk is full for the last bytes
            npy.write_array_header_1_0(out, npy.header_data_from_array_1_0(array))
            out.write(array.data)
            out.flush()
            os.fsync(
                out.fileno()
            )  # otherwise a file may have its size but not its content after a power failure
        written[kind] = _status(path)
    return written


def _tidy(place: Path, name: str) -> None:
    """Remove entries of earlier sources, and files of killed processes."""
    entries = sorted(place.glob(f"{name}.*"), key=lambda entry: entry.stat().st_mtime)
    abandoned = [
        partial
        for partial in place.glob(f".{name}.*.partial")
        if time.time() - partial.stat().st_mtime > _ABANDONED_SECONDS
    ]
    for folder in (*entries[:-_NEWEST_KEPT], *abandoned):
        shutil.rmtree(folder, ignore_errors=True)
