"""mnist_mlp_bn: two hidden layers with batch norm on MNIST digits, 784-300-100-10.

Published: He initialisation, batch norm before ELU after each dense layer and on the logits too, SGD 0.01, batch 50,
40 epochs on 55,000 images: .9822 of 5,000 validation images, .9811 of the test images.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.parameters.bounds import check_at_least
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits
from objectives.tasks.digits import CLASSES, PIXELS, DigitsParameters, DigitsTask

if TYPE_CHECKING:
    from torch import nn

# Training and validation accuracy by epoch, from 0.
_ACCURACY = {
    0: (0.9162, 0.9152),
    5: (0.9711, 0.9688),
    10: (0.9843, 0.9772),
    15: (0.9905, 0.9786),
    20: (0.9932, 0.9810),
    25: (0.9960, 0.9812),
    30: (0.9966, 0.9778),
    35: (0.9980, 0.9798),
    39: (0.9987, 0.9822),
}
_HELD_OUT = 5_000


@dataclass(frozen=True)
class MnistMlpBnParameters(DigitsParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    hidden_width, second_width: units of the two hidden layers; batch norm comes before their activation, dropout after
    it. batch_norm_on_logits: whether batch norm, if it is switched on, also normalises the outputs.
    """

    batch_size: int = 64
    hidden_width: int = 300
    dropout: float = 0.1
    second_width: int = 100
    batch_norm_on_logits: bool = False
    activation: Literal["relu", "leaky_relu", "elu", "softplus", "tanh"] = "elu"
    weight_init: Literal["he", "xavier"] = "he"

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_at_least(self, second_width=1)


class MnistMlpBn(DigitsTask):
    """Two hidden layers with batch norm on MNIST digits."""

    name = "mnist_mlp_bn"
    rounds = 40
    Parameters = MnistMlpBnParameters
    published = Published(
        parameters={
            "learning_rate": 0.01,
            "batch_size": 50,
            "dropout": 0.0,
            "optimizer": "sgd",
            "batch_norm_on_logits": True,
        },
        rounds=40,
        figures={"validation_accuracy": 0.9822, "test_accuracy": 0.9811},
        note="validation is the first 5,000 of the 60,000 training images; epoch e is round e + 1",
        curve={
            epoch + 1: {"train_score": train, "valid_score": valid}
            for epoch, (train, valid) in _ACCURACY.items()
        },
        variants={
            "no-batch-norm": Variant({"batch_norm": False}, "the same without batch norm"),
            "momentum-0.01": Variant(
                {"bn_momentum": 0.01}, "slower statistics, as advised for larger data sets"
            ),
        },
    )

    def load_published(self, data: str, data_root: Path) -> Splits:
        """The first 5,000 training images of the file for validation, the other 55,000 for training."""
        from objectives.datasets.mnist import load_mnist_held_out

        return load_mnist_held_out(data, data_root, _HELD_OUT)

    def build(self, parameters: MnistMlpBnParameters, example: Rows) -> nn.Module:
        """A network 784-H1-H2-10, with batch norm and dropout if they are switched on."""
        from torch import nn

        from objectives.models.layers import activation, initialize

        widths = [PIXELS, parameters.hidden_width, parameters.second_width]
        layers: list[nn.Module] = []
        for before, width in itertools.pairwise(widths):
            dense = nn.Linear(before, width)
            initialize(dense, parameters.weight_init)
            layers.append(dense)
            if parameters.batch_norm:
                layers.append(nn.BatchNorm1d(width, momentum=parameters.bn_momentum))
            layers.append(activation(parameters.activation))
            if parameters.dropout > 0:
                layers.append(nn.Dropout(parameters.dropout))
        output = nn.Linear(widths[-1], CLASSES)
        initialize(output, parameters.weight_init)
        layers.append(output)
        if parameters.batch_norm and parameters.batch_norm_on_logits:
            layers.append(nn.BatchNorm1d(CLASSES, momentum=parameters.bn_momentum))
        return nn.Sequential(*layers)
