"""mnist_mlp_online: hidden layers of equal width on MNIST digits, trained on one image at a time.

Published: 784-500-500-500-10, ReLU, every weight and bias from N(0, 1), Adam 1e-3, 10,000 random images per epoch. Test
accuracy rises to about 94 % by epoch 20 and then collapses to 20 %. The cause is that units die. It is not overfitting,
because both losses fall all the time. A scaled initialisation prevents it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from objectives.parameters.bounds import check_at_least
from objectives.published import Published, Variant
from objectives.rows.rows import Rows
from objectives.tasks.digits import CLASSES, PIXELS, DigitsParameters, DigitsTask

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class MnistMlpOnlineParameters(DigitsParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    hidden_width: units of each hidden layer; dropout and batch norm act on all of them, batch norm before the
    activation. images_per_round: random images that make a round. weight_init: `he`, `xavier`, or `unit_normal_all`
    (weights and biases from N(0, 1)).
    """

    hidden_layers: int = 3
    images_per_round: int = 10_000
    activation: Literal["relu", "leaky_relu", "elu", "softplus", "tanh"] = "relu"
    weight_init: Literal["he", "xavier", "unit_normal_all"] = "he"

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_at_least(self, hidden_layers=1, images_per_round=1)


class MnistMlpOnline(DigitsTask):
    """Three hidden layers on MNIST digits, one image a step."""

    name = "mnist_mlp_online"
    rounds = 30
    Parameters = MnistMlpOnlineParameters
    published = Published(
        parameters={
            "learning_rate": 1e-3,
            "batch_size": 1,
            "hidden_width": 500,
            "dropout": 0.0,
            "batch_norm": False,
            "optimizer": "adam",
            "weight_init": "unit_normal_all",
        },
        rounds=100,
        figures={"best_test_accuracy": 0.94, "final_test_accuracy": 0.20},
        note="test accuracy rises to about 94 % by epoch 20, then falls: 90, 50, 40, 30, 20 %; training accuracy, too",
        curve={20: {"valid_score": 0.94}, 100: {"valid_score": 0.20}},
        variants={
            "batch-100": Variant(
                {"batch_size": 100},
                "batch size 100 in place of 1; published: 96 %",
                curve={100: {"valid_score": 0.96}},
            ),
            "he": Variant({"weight_init": "he"}, "a cure: initialisation scaled by the fan-in"),
            "leaky-relu": Variant({"activation": "leaky_relu"}, "a cure: units that can't die"),
            "clipping": Variant({"gradient_clip": 1.0}, "a proposed cure: limit the gradient's norm"),
            "softplus": Variant({"activation": "softplus"}, "a proposed cure: softplus in place of ReLU"),
        },
    )

    def steps_per_round(self, parameters: MnistMlpOnlineParameters, num_train: int) -> int:
        """The number of steps for `images_per_round` images."""
        return max(1, parameters.images_per_round // min(parameters.batch_size, num_train))

    def build(self, parameters: MnistMlpOnlineParameters, example: Rows) -> nn.Module:
        """A network 784-H-…-H-10, with batch norm and dropout on every hidden layer if they are switched on."""
        from torch import nn

        from objectives.models.layers import activation, initialize

        widths = [PIXELS, *[parameters.hidden_width] * parameters.hidden_layers]
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
        return nn.Sequential(*layers, output)
