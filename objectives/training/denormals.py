"""Treats denormals as zero: numbers too small for full precision, with which a CPU computes slowly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Inside the `with` block, denormals count as zero.

    If weights get no gradient, for example those of dead units, Adam's moments of them decay to denormals and stay
    there; arithmetic on these takes up to half of a step's time. The setting belongs to the calling thread, and other
    threads have it only if they began later. So it is not changed if torch uses several threads.
    """
    is_alone = torch.get_num_threads() == 1
    if is_alone:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if is_alone:
            torch.set_flush_denormal(False)
