"""The user's folder for studies, their results, and the record of code that was launched."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "onset-sweeps"


def home() -> Path:
    """SWEEP_HOME, else the user's data folder."""
    given = os.environ.get("SWEEP_HOME")
    return Path(given).expanduser().resolve() if given else platformdirs.user_data_path(_NAME)
