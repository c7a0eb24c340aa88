"""Gives each step the rows of its batch and its learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from objectives.training.order import Order

Rate = Callable[[int], float]  # the learning rate of a step, counted from 0 through the whole run


class Feed(Protocol):
    """Gives rows and learning rates, one step at a time.

    steps_done: number of steps so far; the code that runs the steps counts them. rate: the learning rate of a step.
    """

    steps_done: int
    rate: Rate

    def begin_round(self, num_steps: int) -> None:
        """Prepare a round of `num_steps` steps."""

    def next(self) -> Tensor:
        """Set the optimiser's learning rate for the next step; returns the numbers of its rows, shape (batch_size,)."""

    def attach(self) -> None:
        """Make the optimiser use the rates of this feed. Needed again after it has loaded a state."""

    def tensors(self) -> list[Tensor]:
        """The tensors of this feed that steps change."""


class HostFeed:
    """Gives rows and rates from the CPU, as each step begins."""

    def __init__(self, optimizer: torch.optim.Optimizer, order: Order, rate: Rate) -> None:
        self._optimizer = optimizer
        self._order = order
        self.rate = rate
        self.steps_done = 0

    def begin_round(self, num_steps: int) -> None:
        """Do nothing."""

    def next(self) -> Tensor:
        """Set the optimiser's learning rate; returns the numbers of the step's rows."""
        rate = self.rate(self.steps_done)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        return self._order.next()

    def attach(self) -> None:
        """Do nothing: each step sets the rate."""

    def tensors(self) -> list[Tensor]:
        """An empty list."""
        return []


class DeviceFeed:
    """Puts the rows and rates of a whole round on the device as it begins. A counter on the device selects each step's.

    So no step depends on values from the CPU, and a step can be recorded once and replayed. The learning rate is a
    float32 scalar on the device in every run, recorded or not, so that it is always rounded in the same way.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, order: Order, rate: Rate, device: torch.device
    ) -> None:
        self._optimizer = optimizer
        self._order = order  # on the CPU
        self.rate = rate
        self._device = device
        self.steps_done = 0
        self._step = torch.zeros(1, dtype=torch.int64, device=device)
        self._current = torch.zeros(1, device=device)
        self._rates: Tensor | None = None
        self._rows: Tensor | None = None
        self.attach()

    def attach(self) -> None:
        """Make the optimiser read its rate from the scalar on the device."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._current.view(())

    def begin_round(self, num_steps: int) -> None:
        """Put the round's rows and rates on the device. The number of steps must be the same in each round."""
        rates = torch.tensor([self.rate(self.steps_done + step) for step in range(num_steps)])
        rows = self._order.take(num_steps)
        if self._rates is None or self._rows is None:
            self._rates, self._rows = rates.to(self._device), rows.to(self._device)
        else:
            self._rates.copy_(_pinned(rates, self._device), non_blocking=True)
            self._rows.copy_(_pinned(rows, self._device), non_blocking=True)
        self._step.zero_()

    def next(self) -> Tensor:
        """Set the learning rate for the next step; returns the numbers of its rows."""
        assert self._rates is not None
        assert self._rows is not None
        self._current.copy_(self._rates.index_select(0, self._step))
        rows = self._rows.index_select(0, self._step).squeeze(0)
        self._step += 1
        return rows

    def tensors(self) -> list[Tensor]:
        """The counter and the current rate."""
        return [self._step, self._current]


def _pinned(values: Tensor, device: torch.device) -> Tensor:
    """The values in pinned memory, from which a GPU copies while the CPU goes on."""
    return values.pin_memory() if device.type == "cuda" else values
