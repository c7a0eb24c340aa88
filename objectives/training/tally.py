"""Sums figures over the steps of a round, so that they are read only once in each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

_NONE = -1.0  # means that no norm was added; a norm is never negative


class Trained(NamedTuple):
    """The figures of a round's steps, under the names that a Round has for them."""

    running_loss: float
    gradient_norm: float
    first_layer_gradient_norm: float | None

    @classmethod
    def from_values(cls, values: Sequence[float]) -> Trained:
        """The figures from the result of `Tally.values`."""
        loss, norm, first = values
        return cls(loss, norm, None if first == _NONE else first)


class Tally(Protocol):
    """Sums over the steps of a round."""

    def clear(self) -> None:
        """Begin a round."""

    def add_loss(self, loss: Tensor) -> None:
        """Add a step's mean loss."""

    def add_norm(self, norm: Tensor) -> None:
        """Add a norm of the whole gradient."""

    def add_first_norm(self, norm: Tensor) -> None:
        """Add a norm of the first layer's gradient."""

    def values(self, num_steps: int) -> Tensor:
        """Mean loss of `num_steps` steps and root mean square of each kind of norm, float64, shape (3,)."""

    def tensors(self) -> list[Tensor]:
        """The tensors of this tally that steps change."""


class ListTally:
    """A tally that keeps the norms one by one until the round ends."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.clear()

    def clear(self) -> None:
        """Begin a round."""
        self._loss = torch.zeros((), device=self._device)
        self._norms: list[Tensor] = []
        self._first_norms: list[Tensor] = []

    def add_loss(self, loss: Tensor) -> None:
        """Add a step's mean loss."""
        self._loss += loss

    def add_norm(self, norm: Tensor) -> None:
        """Add a norm of the whole gradient."""
        self._norms.append(norm)

    def add_first_norm(self, norm: Tensor) -> None:
        """Add a norm of the first layer's gradient."""
        self._first_norms.append(norm)

    def values(self, num_steps: int) -> Tensor:
        """Mean loss and root mean squares."""
        loss = self._loss.double() / num_steps
        first = _root_mean_square(self._first_norms) if self._first_norms else torch.full_like(loss, _NONE)
        return torch.stack([loss, _root_mean_square(self._norms), first])

    def tensors(self) -> list[Tensor]:
        """An empty list, because no tensor here has a fixed address."""
        return []


class BufferTally:
    """A tally that adds in place, in buffers with fixed addresses, as recorded steps need it."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), device=device)
        self._squares = torch.zeros(2, dtype=torch.float64, device=device)  # of both kinds of norm
        self._counts = torch.zeros(2, dtype=torch.float64, device=device)

    def clear(self) -> None:
        """Begin a round."""
        for buffer in self.tensors():
            buffer.zero_()

    def add_loss(self, loss: Tensor) -> None:
        """Add a step's mean loss."""
        self._loss += loss

    def add_norm(self, norm: Tensor) -> None:
        """Add a norm of the whole gradient."""
        self._add(0, norm)

    def add_first_norm(self, norm: Tensor) -> None:
        """Add a norm of the first layer's gradient."""
        self._add(1, norm)

    def _add(self, kind: int, norm: Tensor) -> None:
        self._squares[kind].add_(norm.double().square())
        self._counts[kind].add_(1)

    def values(self, num_steps: int) -> Tensor:
        """Mean loss and root mean squares."""
        norms = torch.where(self._counts > 0, (self._squares / self._counts).sqrt(), _NONE)
        return torch.cat([(self._loss.double() / num_steps).view(1), norms])

    def tensors(self) -> list[Tensor]:
        """The buffers."""
        return [self._loss, self._squares, self._counts]


def _root_mean_square(norms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(norms)).double().square().mean().sqrt()
