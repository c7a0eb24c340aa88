"""mnist_mlp: one hidden layer on MNIST digits, 784-H-10.

Published: H = 1024, ReLU, raw pixels, weights from a normal with σ = 1, plain gradient descent on all
images at once, 301 steps at 1e-4: 86.4 % test accuracy. Whole studies of ours stand in docs/tasks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from objectives.bounds import check_at_least, check_share
from objectives.task import Published, Rows, Splits, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

PIXELS = 784
CLASSES = 10


@dataclass(frozen=True)
class MnistMlpParameters:
    """What can be searched or fixed; the defaults are sound ones.

    learning_rate: of the optimiser, before the schedule.
    batch_size: rows a step; as many as there are where there are fewer.
    hidden_width: units of the hidden layer.
    dropout: probability of dropping a hidden unit.
    batch_norm: whether the hidden layer is normalised, before its activation.
    bn_momentum: weight of the new batch in the running statistics, as PyTorch counts it.
    weight_init: `he` (normal, variance 2 / fan-in), `xavier`, or `unit_normal` (truncated, σ = 1).
    input_scaling: `unit` (0 to 1), `standard` (mean 0, variance 1 over MNIST) or `raw` (0 to 255).
    gradient_clip: largest global L2 norm of the gradient; none for no limit.
    """

    learning_rate: float = 1e-3
    batch_size: int = 64
    hidden_width: int = 256
    dropout: float = 0.2
    batch_norm: bool = True
    bn_momentum: float = 0.1
    optimizer: Literal["sgd", "momentum", "adam", "adamw", "rmsprop"] = "adam"
    schedule: Literal["constant", "step", "exponential", "cosine", "one_cycle"] = "constant"
    weight_decay: float = 0.0
    activation: Literal["relu", "leaky_relu", "elu", "softplus", "tanh"] = "relu"
    weight_init: Literal["he", "xavier", "unit_normal"] = "he"
    input_scaling: Literal["unit", "standard", "raw"] = "unit"
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for values that make no sense."""
        check_at_least(self, learning_rate=0.0, batch_size=1, hidden_width=1, weight_decay=0.0)
        check_share(self, "dropout", below_one=True)
        check_share(self, "bn_momentum")
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise ValueError(
                f"gradient_clip: {self.gradient_clip:g} is no norm above 0; null switches it off."
            )


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

        hidden = nn.Linear(PIXELS, parameters.hidden_width)
        output = nn.Linear(parameters.hidden_width, CLASSES)
        for layer in (hidden, output):
            _initialize(layer, parameters.weight_init)
        layers: list[nn.Module] = [hidden]
        if parameters.batch_norm:
            layers.append(nn.BatchNorm1d(parameters.hidden_width, momentum=parameters.bn_momentum))
        layers.append(_activation(parameters.activation))
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


def _initialize(layer: nn.Linear, how: str) -> None:
    from torch import nn

    match how:
        case "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        case "xavier":
            nn.init.xavier_normal_(layer.weight)
        case "unit_normal":
            nn.init.trunc_normal_(layer.weight, std=1.0, a=-2.0, b=2.0)
    nn.init.zeros_(layer.bias)


def _activation(name: str) -> nn.Module:
    from torch import nn

    makers: dict[str, Any] = {
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "softplus": nn.Softplus,
        "tanh": nn.Tanh,
    }
    module: nn.Module = makers[name]()
    return module
