"""The default places of the database, the data sets and the results."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from objectives.home import home as home

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_NAME = "onset-sweeps"
STORAGE_VARIABLE = "SWEEP_STORAGE"


def storage_url(given: str | None) -> str:
    """The URL of the database: the given one, else SWEEP_STORAGE, else a SQLite file in `home()`."""
    return given or os.environ.get(STORAGE_VARIABLE) or f"sqlite:///{home() / 'studies.db'}"


def data_root(given: str | Path | None) -> Path:
    """The folder of data sets: the given one, else SWEEP_DATA_DIR, else one in the user's cache."""
    chosen = given or os.environ.get("SWEEP_DATA_DIR")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_cache_path(_NAME) / "data"


def out_folder(given: str | Path | None, study: str, database: URL) -> Path:
    """The folder of a study's best.yaml and weights: the given one, else a folder in `home()` with the study's name.

    Studies' names are unique only within a database, so the studies of each other database are in a separate folder.
    """
    from storage.url import parse_url

    if given:
        return Path(given).expanduser().resolve()
    if database == parse_url(f"sqlite:///{home() / 'studies.db'}"):
        return home() / "studies" / study
    place = f"{database.get_backend_name()} {database.host} {database.port} {database.database}"
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return home() / "databases" / f"{Path(str(database.database)).stem}-{digest}" / study
