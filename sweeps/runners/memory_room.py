"""Decides how many trials fit into the memory of a GPU at once, from the memory that the first trial needs."""

from __future__ import annotations

SPARE = 0.1  # share of the free memory for what torch does not count: the CUDA context, libraries, fragments
LARGER = 1.5  # assume that other trials need this many times the memory of the first: wider networks


def how_many_fit(free_bytes: int, taken_bytes: int, most: int) -> int:
    """How many trials fit, from 1 to `most`.

    free_bytes: the memory that is free while one trial is in training. taken_bytes: the memory that this trial takes.
    """
    more = (1 - SPARE) * free_bytes // (LARGER * max(1, taken_bytes))
    return max(1, min(most, 1 + int(more)))


class MemoryRoom:
    """Measures the memory that is taken on a device after this object is made; on a CPU, by the process."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._before = self._peak()

    def fitting(self, most: int) -> tuple[int, str]:
        """How many trials fit, at most `most`, and a sentence that says so.

        Call it when one trial has trained a round alone.
        """
        free, taken = self._free(), max(1, self._peak() - self._before)
        found = how_many_fit(free, taken, most)
        return found, (
            f"--trials-per-gpu auto chose {found}: the first trial took {_shown(taken)}, {_shown(free)} are free, "
            f"and at most {most} trials run at once in one process."
        )

    def _peak(self) -> int:
        if self._device == "cpu":
            import psutil

            return int(psutil.Process().memory_info().rss)
        import torch

        return torch.cuda.max_memory_reserved()

    def _free(self) -> int:
        if self._device == "cpu":
            import psutil

            return int(psutil.virtual_memory().available)
        import torch

        return int(torch.cuda.mem_get_info()[0])


def _shown(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.3g} GiB"
