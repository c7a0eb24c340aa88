"""Optimisers by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from objectives.parameters.training import OptimizerName


def make_optimizer(
    name: OptimizerName, parameters: Sequence[nn.Parameter], learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """A torch optimiser; `momentum` is SGD with Nesterov momentum 0.9.

    Optimisers with a state use torch's fused update, a single pass over memory: on a CPU, Adam then takes a quarter
    of the time of the loop over weights. On CUDA, all values that a step depends on are on the device, so that the
    step can be recorded.
    """
    how: dict[str, Any] = {"lr": learning_rate, "weight_decay": weight_decay}
    on_cuda = bool(parameters) and parameters[0].is_cuda
    optimizer: torch.optim.Optimizer
    match name:
        case "sgd":
            optimizer = torch.optim.SGD(parameters, **how, fused=on_cuda or None)
        case "momentum":
            optimizer = torch.optim.SGD(parameters, **how, momentum=0.9, nesterov=True, fused=True)
        case "adam":
            optimizer = torch.optim.Adam(parameters, **how, fused=True, capturable=on_cuda)
        case "adamw":
            optimizer = torch.optim.AdamW(parameters, **how, fused=True, capturable=on_cuda)
        case "rmsprop":
            optimizer = torch.optim.RMSprop(parameters, **how, capturable=on_cuda)
        case _:
            raise ValueError(f"unknown optimizer {name!r}")
    if on_cuda:
        _settle(optimizer, name)
    return optimizer


def state_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The optimiser's state, in a fixed order."""
    states = [
        optimizer.state[weight]
        for group in optimizer.param_groups
        for weight in group["params"]
        if weight in optimizer.state
    ]
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


def _settle(optimizer: torch.optim.Optimizer, name: OptimizerName) -> None:
    # Silences torch's warning about a recordable optimiser whose steps are not recorded (once for each optimiser).
    optimizer._warned_capturable_if_run_uncaptured = True
    if name == "momentum":  # else the first step would use another kernel, and its recording would, too
        for group in optimizer.param_groups:
            for weight in group["params"]:
                optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
