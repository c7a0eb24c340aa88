"""The whole state of a training run as bytes, identified by their digest."""

from __future__ import annotations

import hashlib
import io
import pickle
from typing import Any

from objectives.checkpoints.packed_file import PackedFile
from objectives.errors import WeightsError


def pack_checkpoint(state: dict[str, Any]) -> PackedFile:
    """A run's `state_dict` as the content of a file, with its SHA-256 digest."""
    import torch

    content = io.BytesIO()
    torch.save(state, content)
    return PackedFile(content.getvalue(), hashlib.sha256(content.getbuffer()).hexdigest())


def unpack_checkpoint(packed: PackedFile) -> dict[str, Any]:
    """The state in `packed`. Raises WeightsError if the content does not match the digest."""
    import torch

    if hashlib.sha256(packed.content).hexdigest() != packed.digest:
        raise WeightsError("The checkpoint is damaged: its digest differs from the recorded one.")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(packed.content), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"The checkpoint can't be read ({error}).") from error
    return state
