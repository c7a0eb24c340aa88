"""Numbers too small for full precision, which a processor handles slowly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Within, numbers too small for full precision count as zero.

    Adam's moments of weights without a gradient decay to such numbers and stay there; where units die, arithmetic
    on them takes up to half of a step. The switch is the calling thread's, so it is left alone where there are
    more: whether these have it depends on when they began.
    """
    is_alone = torch.get_num_threads() == 1
    if is_alone:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if is_alone:
            torch.set_flush_denormal(False)
