"""How many trials a worker process trains at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

AUTO_MOST = 16  # one CPU thread prepares the steps of all trials: more trials were no faster on an H200


@dataclass(frozen=True)
class Packing:
    """Several trials in one worker process, on one GPU.

    most: the largest number of trials at once. is_measured: whether the memory that the first trial needs is measured
    first, to decide how many trials fit.
    """

    most: int
    is_measured: bool = False

    @property
    def at_first(self) -> int:
        """How many trials are trained at once until the first round is trained."""
        return 1 if self.is_measured else self.most

    def at_most(self, most: int) -> Packing:
        """The same packing, with no more than `most` trials."""
        return replace(self, most=min(self.most, most))

    def measured(self, most: int) -> Packing:
        """The packing after the measurement: `most` trials at once."""
        return replace(self, most=most, is_measured=False)


def process_sizes(workers: int, packing: Packing | None, num_gpus: int = 0) -> list[int]:
    """How many of `workers` trials each worker process trains at once: equal numbers, or numbers that differ by one.

    Without a packing, each process trains one trial. With one, there are at least as many processes as GPUs.
    """
    num = workers if packing is None else max(math.ceil(workers / packing.most), min(workers, num_gpus))
    return [workers // num + (process < workers % num) for process in range(num)]
