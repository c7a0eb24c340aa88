"""Activations and weight initialisations by name, which several tasks offer as choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

ActivationName = Literal["relu", "leaky_relu", "elu", "softplus", "tanh"]
WeightInitName = Literal["he", "xavier", "unit_normal", "unit_normal_all"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


def activation(name: ActivationName) -> nn.Module:
    """A fresh activation module."""
    return _ACTIVATIONS[name]()


def initialize(layer: nn.Linear | nn.Conv1d | nn.Conv2d, how: WeightInitName) -> None:
    """Draw new weights of a layer from torch's global generator. Biases become zero.

    he: normal, variance 2 / fan-in (He et al. 2015). xavier: normal, variance 2 / (fan-in + fan-out) (Glorot
    and Bengio 2010). unit_normal: normal with σ = 1, truncated at two σ. unit_normal_all: both weights and biases
    from a normal with σ = 1, not truncated.
    """
    match how:
        case "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        case "xavier":
            nn.init.xavier_normal_(layer.weight)
        case "unit_normal":
            nn.init.trunc_normal_(layer.weight, std=1.0, a=-2.0, b=2.0)
        case "unit_normal_all":
            nn.init.normal_(layer.weight)
            if layer.bias is not None:
                nn.init.normal_(layer.bias)
            return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
