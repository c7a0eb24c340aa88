"""All that a run's state holds, to compare bit for bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def bits(state: Any) -> Any:
    """The same nest of dictionaries and lists, with bytes in place of tensors."""
    if isinstance(state, Tensor):
        return bytes(state.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    if isinstance(state, dict):
        return {name: bits(value) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return [bits(value) for value in state]
    return state
