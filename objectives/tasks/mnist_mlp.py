"""mnist_mlp: one hidden layer on MNIST digits, 784-H-10.

Published: H = 1024, ReLU, raw pixels, weights from a normal with σ = 1, plain gradient descent on all
images at once, 301 steps at 1e-4: 86.4 % test accuracy. Whole studies of ours stand in docs/tasks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.parameters import TrainingParameters
from objectives.task import Published, Rows, Splits, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

PIXELS = 784
CLASSES = 10


@dataclass(frozen=True)
class MnistMlpParameters(TrainingParameters):
    """What can be searched or fixed; the defaults are sound ones.

    hidden_width: units of the hidden layer; dropout and batch norm act on it, batch norm before its activation.
    weight_init: `he` (normal, variance 2 / fan-in), `xavier`, or `unit_normal` (truncated, σ = 1).
    input_scaling: `unit` (0 to 1), `standard` (mean 0, variance 1 over MNIST) or `raw` (0 to 255).
    """

    activation: Literal["relu", "leaky_relu", "elu", "softplus", "tanh"] = "relu"
    weight_init: Literal["he", "xavier", "unit_normal"] = "he"
    input_scaling: Literal["unit", "standard", "raw"] = "unit"


class MnistMlp(Task):
    """One hidden layer on MNIST digits."""

    name = "mnist_mlp"
    chance_score = 0.1
    rounds = 30
    data_sets = ("mnist", "mnist-5k")
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
        note="accuracy after 300 steps of full-batch gradient descent",
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """Rows of `mnist` or `mnist-5k`: inputs uint8 (rows, 784), targets int64 (rows,)."""
        from objectives.datasets.mnist import load_mnist

        return load_mnist(data, data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The sealed rows of `mnist` or `mnist-5k`."""
        from objectives.datasets.mnist import load_mnist_test

        return load_mnist_test(data, data_root)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files are there."""
        from objectives.datasets.mnist import is_present

        return is_present(data, data_root)

    def is_sample(self, data: str) -> bool:
        """Whether it is `mnist-5k`."""
        return data == "mnist-5k"

    def prepare(self, rows: Rows, parameters: MnistMlpParameters) -> Rows:
        """Pixels as float32, scaled as `input_scaling` says."""
        pixels = rows.inputs.float()
        match parameters.input_scaling:
            case "unit":
                pixels /= 255.0
            case "standard":  # mean and deviation of MNIST's training pixels
                pixels = (pixels / 255.0 - 0.1307) / 0.3081
        return Rows(pixels, rows.targets)

    def build(self, parameters: MnistMlpParameters, example: Rows) -> nn.Module:
        """784-H-10; batch norm and dropout where they are switched on."""
        from torch import nn

        from objectives.layers import activation, initialize

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

    def losses(self, outputs: Tensor, targets: Tensor, parameters: MnistMlpParameters) -> Tensor:
        """Cross-entropy on logits."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, reduction="none")

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 where the largest logit is the target's."""
        return outputs.argmax(dim=1) == targets
