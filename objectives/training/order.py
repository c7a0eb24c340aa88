"""The order of the training rows: a new permutation in each pass, without the incomplete batch at its end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Order:
    """Batches of row numbers, on `device`. They are drawn on the CPU, so that they are the same on every device."""

    def __init__(self, num_rows: int, batch_size: int, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._device = device
        self._draw()

    def _draw(self) -> None:
        self._before = self._generator.get_state()
        self._permutation = torch.randperm(self._num_rows, generator=self._generator).to(self._device)
        self._position = 0

    def next(self) -> Tensor:
        """The rows of the next batch, shape (batch_size,)."""
        if self._position + self._batch_size > self._num_rows:
            self._draw()
        start, self._position = self._position, self._position + self._batch_size
        return self._permutation[start : self._position]

    def take(self, num: int) -> Tensor:
        """The rows of the next `num` batches, shape (num, batch_size)."""
        parts: list[Tensor] = []
        while num > 0:
            if self._position + self._batch_size > self._num_rows:
                self._draw()
            here = min(num, (self._num_rows - self._position) // self._batch_size)
            start, self._position = self._position, self._position + here * self._batch_size
            parts.append(self._permutation[start : self._position].view(here, self._batch_size))
            num -= here
        return torch.cat(parts)

    def state_dict(self) -> dict[str, Any]:
        """The generator's state at the start of this pass, and the position in the pass."""
        return {"before": self._before, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self._generator.set_state(state["before"])
        self._draw()
        self._position = state["position"]
