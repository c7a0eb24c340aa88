"""Snapshots of the tensors that a program changes, to restore them and to compare them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from objectives.training.noise import Noise


class Snapshot:
    """A copy of tensors, and of the state of the generator on their device, bit for bit.

    state: returns the tensors. After the first run of a program, there may be more of them: an optimiser creates its
    own at its first step, which are zero at first.
    """

    def __init__(self, state: Callable[[], list[Tensor]], noise: Noise) -> None:
        self._state, self._noise = state, noise
        self._tensors = state()
        self._drawn = noise.device_state()
        self._bytes = torch.cat([_bytes(tensor) for tensor in self._tensors])

    def restore(self) -> None:
        """Give the tensors their earlier values, in place. Tensors that were created since become zero."""
        self._noise.set_device_state(self._drawn)
        parts = self._bytes.split([tensor.nbytes for tensor in self._tensors])  # type: ignore[no-untyped-call]
        before = {id(tensor): part for tensor, part in zip(self._tensors, parts, strict=True)}
        with torch.no_grad():
            for tensor in self._state():
                if (part := before.get(id(tensor))) is None:
                    tensor.zero_()
                else:
                    tensor.copy_(part.clone().view(tensor.dtype).view(tensor.shape))  # cloned, to be aligned

    def is_same(self, other: Snapshot) -> bool:
        """Whether all bits are equal. So a NaN equals itself."""
        return torch.equal(self._drawn, other._drawn) and torch.equal(self._bytes, other._bytes)


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).view(torch.uint8)
