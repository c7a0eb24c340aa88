"""The small dense network that most kinds train."""

from __future__ import annotations

from torch import nn

from benchmarks.kinds.kind import Configuration


def dense(num_inputs: int, num_outputs: int, configuration: Configuration) -> nn.Sequential:
    """Two hidden layers, each with dropout."""
    layers: list[nn.Module] = []
    for width in (num_inputs, configuration.width):
        layers += [
            nn.Linear(width, configuration.width),
            nn.ReLU() if configuration.activation == "relu" else nn.Tanh(),
            nn.Dropout(configuration.dropout),
        ]
    return nn.Sequential(*layers, nn.Linear(configuration.width, num_outputs))
