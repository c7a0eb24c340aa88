"""mnist_mlp: one hidden layer on MNIST digits, 784-H-10.

Published: H = 1024, ReLU, raw pixels, weights from a normal with σ = 1, plain gradient descent on all
images at once, 301 steps at 1e-4: 86.4 % test accuracy. Our results: docs/tasks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from objectives.published import Published, Variant
from objectives.rows.rows import Rows
from objectives.tasks.digits import CLASSES, PIXELS, DigitsParameters, DigitsTask

if TYPE_CHECKING:
    from torch import nn

# The published grid: hidden width and learning rate of each cell. Only the last cell reached more than 80 %.
_CELLS = (
    (300, 0.5),
    (400, 0.5),
    (400, 0.01),
    (400, 0.001),
    (1024, 0.5),
    (1024, 0.01),
    (1024, 0.001),
    (1024, 0.0001),
)
_CURVE = {
    1: {"running_loss": 73_913.0, "train_score": 0.102, "valid_score": 0.101},
    101: {"running_loss": 3_622.0, "train_score": 0.799, "valid_score": 0.806},
    201: {"running_loss": 2_569.0, "train_score": 0.845, "valid_score": 0.848},
    301: {"running_loss": 2_103.0, "train_score": 0.866, "valid_score": 0.864},
}
_REPORTED = (1024, 1e-4)  # the cell that the published figures belong to


@dataclass(frozen=True)
class MnistMlpParameters(DigitsParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    hidden_width: units of the hidden layer; dropout and batch norm act on it, batch norm before its activation.
    weight_init: `he` (normal, variance 2 / fan-in), `xavier`, or `unit_normal` (truncated, σ = 1).
    """

    activation: Literal["relu", "leaky_relu", "elu", "softplus", "tanh"] = "relu"
    weight_init: Literal["he", "xavier", "unit_normal"] = "he"


class MnistMlp(DigitsTask):
    """One hidden layer on MNIST digits."""

    name = "mnist_mlp"
    rounds = 30
    Parameters = MnistMlpParameters
    published = Published(
        parameters={
            "learning_rate": 1e-4,
            "batch_size": 60_000,
            "hidden_width": 1024,
            "dropout": 0.0,
            "batch_norm": False,
            "optimizer": "sgd",
            "weight_init": "unit_normal",
            "input_scaling": "raw",
        },
        rounds=301,
        figures={"test_accuracy": 0.864, "train_accuracy": 0.866},
        note="full-batch gradient descent, one step per round; the running loss of a round is the published step's",
        curve=_CURVE,
        variants={
            f"h{width}-lr{rate:g}": Variant(
                {"hidden_width": width, "learning_rate": rate},
                "a cell of the published grid; only (1024, 0.0001) of its eight cells was above 80 % there",
                curve=_CURVE if (width, rate) == _REPORTED else {},
            )
            for width, rate in _CELLS
        },
    )

    def build(self, parameters: MnistMlpParameters, example: Rows) -> nn.Module:
        """A network 784-H-10, with batch norm and dropout if they are switched on."""
        from torch import nn

        from objectives.models.layers import activation, initialize

        hidden = nn.Linear(PIXELS, parameters.hidden_width)
        output = nn.Linear(parameters.hidden_width, CLASSES)
        for layer in (hidden, output):
            initialize(layer, parameters.weight_init)
        layers: list[nn.Module] = [hidden]
        if parameters.batch_norm:
            layers.append(nn.BatchNorm1d(parameters.hidden_width, momentum=parameters.bn_momentum))
        layers.append(activation(parameters.activation))
        if parameters.dropout > 0:
            layers.append(nn.Dropout(parameters.dropout))
        return nn.Sequential(*layers, output)
