"""food101_squeezenet: SqueezeNet on photographs of 101 dishes, from scratch or from pretrained weights.

Published: all weights initialised at random (Xavier), batch 128, learning rate 0.01 · 0.999^step. Accuracy stays at
chance for 2,000 steps, with gradients of the first convolution around 1e-6. Our results: docs/tasks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.classification import ClassificationTask
from objectives.errors import WeightsError
from objectives.parameters.bounds import check_at_least, check_share
from objectives.parameters.training import ScheduleName, TrainingParameters
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits

if TYPE_CHECKING:
    from torch import nn

    from objectives.models.squeezenet import SqueezeNet

CLASSES = 101


@dataclass(frozen=True)
class Food101SqueezenetParameters(TrainingParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    hidden_width: output channels of the last fire module; the other numbers of channels are scaled with it. Pretrained
        weights have the standard width, 512.
    dropout: before the last convolution. batch_norm: after each convolution of a fire module.
    schedule: one of the usual ones, or `per_step`, which multiplies the rate by `decay_per_step` at every step.
    squeezenet: version 1.0 or 1.1. Version 1.1 costs less than half as much.
    transfer: `scratch` (all weights initialised at random), `head` (pretrained features, frozen: only the last
        convolution is trained) or `all` (pretrained features; everything is trained).
    weight_init: the rule for initialising weights that are not pretrained.
    rectify_logits: put a ReLU after the last convolution, too, as in the published SqueezeNet. Then most of the 101
        classes get no gradient any more.
    flip: mirror half of the training images.
    steps_per_round: None for one pass over the training rows.
    """

    learning_rate: float = 3e-4
    hidden_width: int = 512
    dropout: float = 0.5
    batch_norm: bool = False
    schedule: Literal[ScheduleName, "per_step"] = "cosine"  # type: ignore[assignment]  # one more choice
    weight_decay: float = 1e-4
    squeezenet: Literal["1_0", "1_1"] = "1_1"
    transfer: Literal["scratch", "head", "all"] = "all"
    weight_init: Literal["he", "xavier"] = "he"
    rectify_logits: bool = False
    flip: bool = True
    decay_per_step: float = 0.999
    steps_per_round: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_share(self, "decay_per_step")
        if self.steps_per_round is not None:
            check_at_least(self, steps_per_round=1)


class Food101Squeezenet(ClassificationTask):
    """SqueezeNet on Food-101."""

    name = "food101_squeezenet"
    chance_score = 1 / CLASSES
    rounds = 10
    data_sets = ("food101", "food101-cifar10")
    Parameters = Food101SqueezenetParameters
    evaluation_rows = 250
    published = Published(
        parameters={
            "learning_rate": 0.01,
            "batch_size": 128,
            "hidden_width": 512,
            "dropout": 0.5,
            "batch_norm": False,
            "optimizer": "sgd",
            "schedule": "per_step",
            "decay_per_step": 0.999,
            "squeezenet": "1_1",
            "transfer": "scratch",
            "weight_init": "xavier",
            "rectify_logits": True,
            "flip": False,
            "steps_per_round": 40,
            "weight_decay": 0.0,
        },
        rounds=50,
        figures={"train_accuracy": 0.01, "first_gradient": 1e-6},
        note="accuracy near chance through 2,000 steps, and the size of the first convolution's gradients; the "
        "publication does not name optimiser, version and dropout",
        variants={
            "head": Variant({"transfer": "head"}, "pretrained features; trains the last convolution"),
            "all": Variant({"transfer": "all"}, "pretrained features; trains everything"),
            "he": Variant(
                {"weight_init": "he"}, "from scratch, weights drawn so that ReLUs keep the variance"
            ),
            "batch_norm": Variant({"batch_norm": True}, "from scratch, with batch norm in each fire module"),
        },
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """Rows of Food-101, inputs uint8 (rows, 3, 64, 64), targets int64, with pretrained weights.

        `food101` has weights trained on ImageNet; `food101-cifar10` has weights trained on CIFAR-10. The latter are
        trained here, in some minutes, if they are missing. Raises DataError if the rows or ImageNet's weights are
        missing.
        """
        from objectives.datasets.food101 import load_food101
        from objectives.datasets.pretrained import imagenet_weights, with_weights

        if data == "food101":
            weights = imagenet_weights(data_root)
        else:
            from objectives.datasets.cifar10 import load_cifar10
            from objectives.tasks.pretraining import pretrained

            weights = pretrained(load_cifar10(data_root), data_root)
        return with_weights(load_food101(data_root), data, weights)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test rows."""
        from objectives.datasets.food101 import load_food101_test

        return load_food101_test(data_root)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the rows are present, and also the weights, or the rows on which they are trained."""
        from objectives.datasets import cifar10, food101, pretrained

        if data == "food101":
            return food101.is_present(data_root) and pretrained.imagenet_is_present(data_root)
        return food101.is_present(data_root) and cifar10.is_present(data_root)

    def is_sample(self, data: str) -> bool:
        """Whether the data set has CIFAR-10's weights, which only replace those of ImageNet."""
        return data == "food101-cifar10"

    def augment(self, batch: Rows, parameters: Food101SqueezenetParameters) -> Rows:
        """The batch, half of its images flipped if `parameters` say so."""
        from objectives.models.varied_images import random_flips

        return Rows(random_flips(batch.inputs), batch.targets) if parameters.flip else batch

    def build(self, parameters: Food101SqueezenetParameters, example: Rows) -> nn.Module:
        """SqueezeNet with 101 outputs. Its features get the weights that `example` has, unless trained from scratch.

        Raises WeightsError if `example` has no weights of this version and width.
        """
        net = _drawn(parameters)
        if parameters.transfer != "scratch":
            _take_over(net, parameters, example)
        return net

    def rebuild(self, parameters: Food101SqueezenetParameters, example: Rows) -> nn.Module:
        """The same network. It needs no pretrained weights."""
        return _drawn(parameters)

    def learning_rate_factor(
        self, parameters: Food101SqueezenetParameters, step: int, total_steps: int, num_train: int
    ) -> float:
        """The schedule's factor. `per_step` depends only on the step, not on the planned number of steps."""
        if parameters.schedule != "per_step":
            return super().learning_rate_factor(parameters, step, total_steps, num_train)
        return float(parameters.decay_per_step**step)

    def steps_per_round(self, parameters: Food101SqueezenetParameters, num_train: int) -> int:
        """The parameter of that name; by default, one pass over the training rows."""
        return parameters.steps_per_round or super().steps_per_round(parameters, num_train)


def _drawn(parameters: Food101SqueezenetParameters) -> SqueezeNet:
    from torch import nn

    from objectives.models.layers import initialize
    from objectives.models.squeezenet import SqueezeNet

    net = SqueezeNet(
        parameters.squeezenet,
        CLASSES,
        width=parameters.hidden_width,
        dropout=parameters.dropout,
        bn_momentum=parameters.bn_momentum if parameters.batch_norm else None,
        frozen=parameters.transfer == "head",
        rectify_logits=parameters.rectify_logits,
    )
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            initialize(layer, parameters.weight_init)
    return net


def _take_over(net: SqueezeNet, parameters: Food101SqueezenetParameters, example: Rows) -> None:
    from objectives.datasets.pretrained import PretrainedRows
    from objectives.models.squeezenet import name_of

    carried = example.weights if isinstance(example, PretrainedRows) else {}
    wanted = name_of(parameters.squeezenet, parameters.hidden_width)
    if wanted not in carried:
        raise WeightsError(
            f"transfer={parameters.transfer}: this data set has no pretrained weights for {wanted}. It has weights for "
            f"{' and '.join(carried) or 'no model'}: set squeezenet and hidden_width to match, or use transfer=scratch."
        )
    net.load_features(carried[wanted])
