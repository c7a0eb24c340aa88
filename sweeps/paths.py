"""The places on disk that the service chooses."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "onset-sweeps"


def home() -> Path:
    """The folder of studies and their results: SWEEP_HOME, else the user's data folder."""
    given = os.environ.get("SWEEP_HOME")
    return Path(given).expanduser().resolve() if given else platformdirs.user_data_path(_NAME)


def storage_url(given: str | None) -> str:
    """The URL of the database: the given one, else SWEEP_STORAGE, else a SQLite file in `home()`."""
    return given or os.environ.get("SWEEP_STORAGE") or f"sqlite:///{home() / 'studies.db'}"


def data_root(given: str | Path | None) -> Path:
    """The folder of data sets: the given one, else SWEEP_DATA_DIR, else one in the user's cache."""
    chosen = given or os.environ.get("SWEEP_DATA_DIR")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_cache_path(_NAME) / "data"


def out_folder(given: str | Path | None, study: str) -> Path:
    """The folder of a study's best.yaml and weights: the given one, else one of its name in `home()`."""
    return Path(given).expanduser().resolve() if given else home() / "studies" / study
