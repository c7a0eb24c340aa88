"""Seeds, saves and restores the global random generators of Python, numpy and torch, as far as these are imported."""

from __future__ import annotations

import random
import sys
from typing import Any

from objectives.seeding import derive_seed


def seed_all(seed: int) -> None:
    """Seed every generator from one number, so that code that uses them gives the same figures each time."""
    random.seed(derive_seed(seed, "python"))
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(derive_seed(seed, "numpy") % 2**32)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(derive_seed(seed, "torch"))


def capture() -> dict[str, Any]:
    """The state of every generator."""
    state: dict[str, Any] = {"python": random.getstate()}
    if numpy := sys.modules.get("numpy"):
        state["numpy"] = numpy.random.get_state()
    if torch := sys.modules.get("torch"):
        state["torch"] = torch.get_rng_state()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore(state: dict[str, Any]) -> None:
    """Set every generator to the state that `capture` returned."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    if "numpy" in state and (numpy := sys.modules.get("numpy")):
        numpy.random.set_state(tuple(state["numpy"]))
    if "torch" in state and (torch := sys.modules.get("torch")):
        torch.set_rng_state(state["torch"])
        if "cuda" in state:
            torch.cuda.set_rng_state_all(state["cuda"])
