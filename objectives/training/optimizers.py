"""Optimisers by name."""

from __future__ import annotations

import functools
import inspect
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
            optimizer = eager(torch.optim.SGD)(parameters, **how, fused=on_cuda or None)
        case "momentum":
            optimizer = eager(torch.optim.SGD)(parameters, **how, momentum=0.9, nesterov=True, fused=True)
        case "adam":
            optimizer = eager(torch.optim.Adam)(parameters, **how, fused=True, capturable=on_cuda)
        case "adamw":
            optimizer = eager(torch.optim.AdamW)(parameters, **how, fused=True, capturable=on_cuda)
        case "rmsprop":
            optimizer = eager(torch.optim.RMSprop)(parameters, **how, capturable=on_cuda)
        case _:
            raise ValueError(f"unknown optimizer {name!r}")
    if on_cuda:
        _settle(optimizer, name)
    return optimizer


# What torch wraps, so that its compiler leaves it alone. The wrapper imports the compiler when it is first called.
_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


@functools.cache
def eager(kind: type[torch.optim.Optimizer]) -> Any:
    """The same optimiser, for training without `torch.compile`: its first use does not import torch's compiler.

    That import takes longer than that of torch itself, in each process that trains. The functions that compute are
    torch's own, without the wrappers around them; a step is made without gradients, as in torch.
    """
    own: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in _WRAPPED}
    own["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), own)


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
