"""A training run on disk: written whole or not at all, and known by its digest."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

from objectives.errors import WeightsError
from objectives.whole_file import write_whole


def save_checkpoint(state: dict[str, Any], path: Path) -> str:
    """Write a run's `state_dict` to `path`; returns the file's SHA-256."""
    import torch

    content = io.BytesIO()  # torch's own writer hides why a file can't be written
    torch.save(state, content)
    write_whole(path, content.getbuffer())
    return hashlib.sha256(content.getbuffer()).hexdigest()


def load_checkpoint(path: Path, digest: str) -> dict[str, Any]:
    """The state in `path`. Raises WeightsError when the file is missing, or not the one with that digest."""
    import torch

    try:
        if _file_digest(path) != digest:
            raise WeightsError(f"{path}: damaged: not the checkpoint that was recorded.")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path}: can't be read as a checkpoint ({error}).") from error
    return state


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
