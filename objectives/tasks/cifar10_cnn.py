"""cifar10_cnn: the network of TensorFlow's multi-GPU tutorial on CIFAR-10, on one device or on several.

Published: several towers (copies of the network), each on its own GPU; their gradients are averaged for one common
step; learning rate 0.1, multiplied by 0.1 every 350 epochs, counted in global batches; about 86 % test accuracy after
100,000 steps of 128 images. Our results: docs/tasks.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.classification import ClassificationTask
from objectives.parameters.bounds import check_at_least, check_share
from objectives.parameters.training import ScheduleName, TrainingParameters
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits
from objectives.training_run import TrainingRun

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from objectives.models.cifar_net import CifarNet

CLASSES = 10


@dataclass(frozen=True)
class Cifar10CnnParameters(TrainingParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    batch_size: rows per step, on all devices together. hidden_width, second_width: units of the two dense layers, on
    which dropout acts. Batch norm acts on these and on the convolutions. local_response_norm: as published, in place of
    batch norm.
    schedule: one of the usual ones, or `staircase`: the rate is multiplied by `decay_factor` every `decay_epochs`
        passes, counted in batches.
    weight_init: `narrow` is the tutorial's (truncated normals of fixed width, some biases 0.1).
    crop: use a square of three quarters of the side (24 of 32 pixels), at a random position in training, else in the
        middle. flip: mirror half of the training images. jitter: vary brightness and contrast; 1 is the tutorial's
        strength.
    devices: number of devices among which each batch is divided; see objectives/training/data_parallel.py.
    """

    batch_size: int = 128
    hidden_width: int = 384
    dropout: float = 0.3
    schedule: Literal[ScheduleName, "staircase"] = "cosine"  # type: ignore[assignment]  # one more choice
    weight_decay: float = 1e-4
    second_width: int = 192
    local_response_norm: bool = False
    weight_init: Literal["he", "xavier", "narrow"] = "he"
    decay_epochs: float = 350.0
    decay_factor: float = 0.1
    crop: bool = True
    flip: bool = True
    jitter: float = 0.2
    devices: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        super().__post_init__()
        check_at_least(self, second_width=1, devices=1, decay_epochs=1e-3)
        check_share(self, "decay_factor")
        check_share(self, "jitter")


class Cifar10Cnn(ClassificationTask):
    """Two convolutions and two dense layers on CIFAR-10."""

    name = "cifar10_cnn"
    chance_score = 0.1
    rounds = 20
    data_sets = ("cifar10",)
    Parameters = Cifar10CnnParameters
    evaluation_rows = 250  # a batch of 1000 would take half a gigabyte
    published = Published(
        parameters={
            "learning_rate": 0.1,
            "batch_size": 128,
            "hidden_width": 384,
            "second_width": 192,
            "dropout": 0.0,
            "batch_norm": False,
            "local_response_norm": True,
            "optimizer": "sgd",
            "schedule": "staircase",
            "decay_epochs": 350.0,
            "decay_factor": 0.1,
            "weight_init": "narrow",
            "crop": True,
            "flip": True,
            "jitter": 1.0,
            "weight_decay": 0.0,
        },
        rounds=256,
        figures={"test_accuracy": 0.86},
        note="after 100,000 steps on 50,000 images; the authors evaluated moving averages of the weights, and used "
        "weight decay (0.004) only on the dense layers",
        variants={
            "shared": Variant({"devices": 2}, "the same global batch on two devices: the same weights"),
            "towers": Variant(
                {"devices": 2, "batch_size": 256},
                "two towers of 128 images each, as published: a batch of 256",
            ),
        },
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """Rows of `cifar10`: inputs uint8 (rows, 3, 32, 32), targets int64 (rows,)."""
        from objectives.datasets.cifar10 import load_cifar10

        return load_cifar10(data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test rows."""
        from objectives.datasets.cifar10 import load_cifar10_test

        return load_cifar10_test(data_root)

    def load_published(self, data: str, data_root: Path) -> Splits:
        """All 50,000 training images for training, and the test rows for validation."""
        import torch

        from objectives.rows.splitting import digest_rows

        splits, test = self.load(data, data_root), self.load_test(data, data_root)
        train = Rows(
            torch.cat([splits.train.inputs, splits.valid.inputs]),
            torch.cat([splits.train.targets, splits.valid.targets]),
        )
        return Splits(f"{data}, as published", train, test, digest_rows(train, test))

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files are present."""
        from objectives.datasets.cifar10 import is_present

        return is_present(data_root)

    def augment(self, batch: Rows, parameters: Cifar10CnnParameters) -> Rows:
        """The batch, cropped, flipped and jittered as `parameters` say."""
        from objectives.models.varied_images import jittered, random_crops, random_flips

        images = batch.inputs
        if parameters.crop:
            images = random_crops(images, _cropped(images))
        if parameters.flip:
            images = random_flips(images)
        if parameters.jitter > 0:
            images = jittered(images, parameters.jitter)
        return Rows(images, batch.targets)

    def build(self, parameters: Cifar10CnnParameters, example: Rows) -> nn.Module:
        """The network for images of the size in `example`. It crops and standardises them itself."""
        from objectives.models.cifar_net import CifarNet

        net = CifarNet(
            crop=_cropped(example.inputs) if parameters.crop else example.inputs.shape[-1],
            widths=(parameters.hidden_width, parameters.second_width),
            num_classes=CLASSES,
            dropout=parameters.dropout,
            bn_momentum=parameters.bn_momentum if parameters.batch_norm else None,
            local_response_norm=parameters.local_response_norm,
        )
        _initialize(net, parameters)
        return net

    def start(
        self,
        parameters: Cifar10CnnParameters,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device,
    ) -> TrainingRun | None:
        """None for the shared loop on one device; a data-parallel run on several."""
        if parameters.devices == 1:
            return None
        from objectives.training.data_parallel import DataParallelRun

        return DataParallelRun(
            self, parameters, splits, rounds=rounds, seed=seed, device=device, devices=parameters.devices
        )

    def learning_rate_factor(
        self, parameters: Cifar10CnnParameters, step: int, total_steps: int, num_train: int
    ) -> float:
        """The schedule's factor. `staircase` depends only on the step, not on the planned number of steps."""
        if parameters.schedule != "staircase":
            return super().learning_rate_factor(parameters, step, total_steps, num_train)
        batches = num_train / min(parameters.batch_size, num_train)
        decay_steps = max(1, int(parameters.decay_epochs * batches))
        return math.pow(parameters.decay_factor, step // decay_steps)


def _cropped(images: Tensor) -> int:
    """Three quarters of the side: 24 of 32 pixels."""
    return images.shape[-1] * 3 // 4


def _initialize(net: CifarNet, parameters: Cifar10CnnParameters) -> None:
    from torch import nn

    from objectives.models.layers import initialize

    layers = net.weighted_layers()
    if parameters.weight_init != "narrow":
        for layer in layers:
            initialize(layer, parameters.weight_init)
        return
    widths = (0.05, 0.05, 0.04, 0.04, 1 / parameters.second_width)
    for layer, width, bias in zip(layers, widths, (0.0, 0.1, 0.1, 0.1, 0.0), strict=True):
        nn.init.trunc_normal_(layer.weight, std=width, a=-2 * width, b=2 * width)
        if layer.bias is not None:
            nn.init.constant_(layer.bias, bias)
