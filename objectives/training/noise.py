"""The random numbers for dropout and augmentation: each run has its own generators."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Noise:
    """The generators of a run. While the run trains, they replace torch's global generators.

    On CUDA, the global generator then uses the run's own state, and a recorded graph keeps using this state. So each
    run draws the same numbers whether its graphs are replayed alone or together with those of other runs.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self._cpu = torch.get_rng_state()
        self._generator: torch.Generator | None = None
        if device.type == "cuda":
            self._generator = torch.Generator(device).manual_seed(seed)

    @contextlib.contextmanager
    def drawn_from(self) -> Iterator[None]:
        """Inside the `with` block, torch's global generators draw this run's numbers."""
        with torch.random.fork_rng(devices=[]), self._on_device():
            torch.set_rng_state(self._cpu)
            yield
            self._cpu = torch.get_rng_state()

    def replayed_from(self) -> contextlib.AbstractContextManager[None]:
        """Inside the `with` block, replayed programs draw this run's numbers. (CUDA graphs always do.)"""
        return self.drawn_from() if self._generator is None else contextlib.nullcontext()

    @contextlib.contextmanager
    def _on_device(self) -> Iterator[None]:
        if self._generator is None:
            yield
            return
        current = _current(self._device)
        before = current.graphsafe_get_state()
        current.graphsafe_set_state(self._generator)
        try:
            yield
        finally:
            current.graphsafe_set_state(before)

    def state_dict(self) -> dict[str, Tensor]:
        """The states of the CPU's generator and, on CUDA, of the device's."""
        state = {"cpu": self._cpu}
        if self._generator is not None:
            state["cuda"] = self._generator.get_state()
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from where `state` was taken."""
        self._cpu = state["cpu"]
        if self._generator is not None:
            self._generator.set_state(state["cuda"].cpu())

    def device_state(self) -> Tensor:
        """The state of the generator on the model's device. Call it only inside `drawn_from`."""
        return torch.get_rng_state() if self._generator is None else self._generator.get_state()

    def set_device_state(self, state: Tensor) -> None:
        """Set the state of the generator on the model's device. Call it only inside `drawn_from`."""
        if self._generator is None:
            torch.set_rng_state(state)
        else:
            self._generator.set_state(state)

    def elsewhere(self) -> tuple[Any, ...]:
        """The states of all other generators. A recorded step must not draw from them: it would repeat its numbers."""
        states = (random.getstate(), repr(np.random.get_state()))
        return states if self._generator is None else (*states, bytes(torch.get_rng_state().numpy().data))

    def renew(self) -> None:
        """Replace the generator by a new one of the same state, because one can't draw after a failed recording."""
        if self._generator is not None:
            self._generator = _like(self._generator)
            _current(self._device).graphsafe_set_state(self._generator)


def _like(generator: torch.Generator) -> torch.Generator:
    fresh = torch.Generator(generator.device)
    fresh.set_state(generator.get_state())
    return fresh


def _current(device: torch.device) -> torch.Generator:
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]
