"""Whose results lie in a folder: a small file there names the study, so that no two studies write over each other.

It is made before anything else is written, by whoever comes first: of two studies that are launched at once into one
folder, the second is refused.
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
    """Raises UsageError where `folder` holds the results of another study.

    row: the study that is about to write there; None for one that is not stored yet. fingerprint: of its specification.
    """
    owner = _read(folder)
    if owner is None:
        path = folder / "best.yaml"  # an export, or what an earlier version wrote
        if path.exists():
            _check_best(path, fingerprint)
    elif owner["id"] != _id(row) and not _is_gone(owner, database):
        raise UsageError(
            f"{folder} holds the results of study {owner['study']!r} in {owner['database']}: they would be "
            "overwritten. Choose another folder with --out, or move that one."
        )


def _check_best(path: Path, fingerprint: str) -> None:
    """Raises UsageError where a best.yaml in a folder without an owner is not of this specification."""
    try:
        found = read_config(path).fingerprint
    except UsageError as error:
        raise UsageError(
            f"{path} can't be read, so it is not known which study it belongs to, and it would be overwritten: it may "
            f"have been cut short or edited. Choose another folder with --out, or move that file. ({error})"
        ) from None
    if found != fingerprint:
        raise UsageError(
            f"{path} belongs to another study and would be overwritten. Choose another folder with --out, or move that "
            "file."
        )


def claim(folder: Path, database: Database, row: StudyRow) -> None:
    """Make the folder this study's. Raises UsageError where it is another's, or can't be written."""
    check_owner(folder, database, row, row.fingerprint)
    path, owner = folder / _NAME, _read(folder)
    record = json.dumps({"id": _id(row), "study": row.name, "database": database.shown})
    partial = folder / f"{_NAME}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if owner is not None and owner["id"] != _id(row):
            path.unlink(missing_ok=True)  # a study that is gone
        partial.unlink(missing_ok=True)
        partial.write_text(record)
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)  # unlike a rename, it fails where another was faster
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written ({error.strerror}); name another folder with --out."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    check_owner(folder, database, row, row.fingerprint)


def is_owner(folder: Path, row: StudyRow) -> bool:
    """Whether the folder's results are this study's, or nobody's."""
    owner, path = _read(folder), folder / "best.yaml"
    if owner is not None:
        return bool(owner["id"] == _id(row))
    return not path.exists() or _fingerprint(path) == row.fingerprint


def release(folder: Path) -> None:
    """The folder is nobody's any more."""
    (folder / _NAME).unlink(missing_ok=True)


def _id(row: StudyRow | None) -> str | None:
    """What no other study has; of one that an earlier version made, what it has in common with its equals."""
    return None if row is None else str(row.provenance.get("id", row.fingerprint))


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        owner = json.loads((folder / _NAME).read_text())
        return {key: str(owner[key]) for key in ("id", "study", "database")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_gone(owner: dict[str, Any], database: Database) -> bool:
    """Whether the study no longer exists, as far as that can be seen from here."""
    if owner["database"] == database.shown:
        return all(_id(row) != owner["id"] for row in list_studies(database))
    with contextlib.suppress(Exception):  # a URL that an editor has been at
        path = sqlite_path(parse_url(owner["database"]))
        return path is not None and not path.exists()
    return False


def _fingerprint(path: Path) -> str | None:
    try:
        return read_config(path).fingerprint
    except UsageError:
        return None
