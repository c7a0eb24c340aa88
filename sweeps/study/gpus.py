"""How many GPUs a trial is given."""

from __future__ import annotations

from sweeps.errors import UsageError


def gpus_of(asked: float | None, elsewhere: bool = False) -> float:
    """GPUs a trial: as asked, else one where torch sees any.

    Raises UsageError for more than there are, unless they are elsewhere.
    """
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked is None:
        return 1.0 if there else 0.0
    if asked > there and not elsewhere:
        remedy = f"Use at most {there}." if there else "Remove the option to train on the CPU."
        raise UsageError(
            f"--gpus-per-trial {asked:g}: torch finds {there or 'no'} GPU(s) on this machine. {remedy}"
        )
    return float(asked)
