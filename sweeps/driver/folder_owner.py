"""A small file in a results folder names the study that owns it, so that no other study overwrites the results.

The file is made before anything else is written there. If two studies are launched into one folder at the same time,
the second one is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from storage import Database
from storage.studies import StudyRow, list_studies
from storage.url import parse_url, sqlite_path
from sweeps.best_config.document import read_config
from sweeps.errors import UsageError

_NAME = ".study.json"


def check_owner(folder: Path, database: Database, row: StudyRow | None, fingerprint: str) -> None:
    """Raises UsageError if `folder` holds the results of another study.

    row: the study that is about to write there; None if it is not stored yet. fingerprint: that of its specification.
    """
    owner = _read(folder)
    if owner is None:
        path = folder / "best.yaml"  # an export, or what an earlier version wrote
        if path.exists():
            _check_best(path, fingerprint)
    elif owner["id"] != _id(row) and not _is_gone(owner, database):
        raise UsageError(
            f"{folder} holds the results of study {owner['study']!r} in {owner['database']}, which would be "
            "overwritten. Choose another folder with --out, or move that one."
        )


def _check_best(path: Path, fingerprint: str) -> None:
    """Raises UsageError if a best.yaml in a folder without an owner has another specification."""
    try:
        found = read_config(path).fingerprint
    except UsageError as error:
        raise UsageError(
            f"{path} would be overwritten, and it can't be read, so the study that it belongs to is unknown. It may "
            f"have been truncated or edited. Choose another folder with --out, or move that file. ({error})"
        ) from None
    if found != fingerprint:
        raise UsageError(
            f"{path} belongs to another study and would be overwritten. Choose another folder with --out, or move that "
            "file."
        )


def claim(folder: Path, database: Database, row: StudyRow) -> None:
    """Make this study the owner of the folder. Raises UsageError if it has another owner, or can't be written."""
    check_owner(folder, database, row, row.fingerprint)
    path, owner = folder / _NAME, _read(folder)
    record = json.dumps({"id": _id(row), "study": row.name, "database": database.shown})
    partial = folder / f"{_NAME}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if owner is not None and owner["id"] != _id(row):
            path.unlink(missing_ok=True)  # the owner no longer exists, as check_owner has found
        partial.unlink(missing_ok=True)
        partial.write_text(record)
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)  # unlike a rename, it fails if another process has made the file by now
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written ({error.strerror}). Choose another folder with --out."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    check_owner(folder, database, row, row.fingerprint)


def is_owner(folder: Path, row: StudyRow) -> bool:
    """Whether the folder's results belong to this study or to no study."""
    owner, path = _read(folder), folder / "best.yaml"
    if owner is not None:
        return bool(owner["id"] == _id(row))
    return not path.exists() or _fingerprint(path) == row.fingerprint


def release(folder: Path) -> None:
    """Remove the file that names the owner, so that any study may use the folder."""
    (folder / _NAME).unlink(missing_ok=True)


def _id(row: StudyRow | None) -> str | None:
    """The study's unique id; for a study that an earlier version of onset-sweeps made without an id, its fingerprint.

    Studies with the same specification have the same fingerprint.
    """
    return None if row is None else str(row.provenance.get("id", row.fingerprint))


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        owner = json.loads((folder / _NAME).read_text())
        return {key: str(owner[key]) for key in ("id", "study", "database")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_gone(owner: dict[str, Any], database: Database) -> bool:
    """Whether the owner no longer exists: it is not in this database, or the file of its SQLite database is gone.

    False if this can't be known.
    """
    if owner["database"] == database.shown:
        return all(_id(row) != owner["id"] for row in list_studies(database))
    with contextlib.suppress(Exception):  # a user may have edited the URL
        path = sqlite_path(parse_url(owner["database"]))
        return path is not None and not path.exists()
    return False


def _fingerprint(path: Path) -> str | None:
    try:
        return read_config(path).fingerprint
    except UsageError:
        return None
