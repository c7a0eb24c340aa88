"""sequence_convnet: a one-dimensional convolutional network with batch norm, on MNIST-1D.

Published: a network that normalises with the mean and variance of the current batch, also in evaluation. It is 90 %
accurate, but 3 to 10 % of the points change their label from one evaluation to the next. Our results: docs/tasks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.classification import ClassificationTask
from objectives.parameters.training import TrainingParameters
from objectives.published import Published, Variant
from objectives.rows.rows import Rows, Splits

if TYPE_CHECKING:
    from torch import nn

LENGTH = 40
CLASSES = 10


@dataclass(frozen=True)
class SequenceConvnetParameters(TrainingParameters):
    """The parameters, which can be searched or fixed. Their defaults work well.

    hidden_width: channels of each of the three convolutions; batch norm acts on all of them, dropout before the output.
    evaluation_statistics: `running` (each point is classified by itself) or `batch`, as published (with the mean and
        variance of the points that are evaluated together; `bn_momentum` then has no effect).
    """

    hidden_width: int = 64
    evaluation_statistics: Literal["running", "batch"] = "running"


class SequenceConvnet(ClassificationTask):
    """Three convolutions on sequences of 40 numbers."""

    name = "sequence_convnet"
    chance_score = 0.1
    rounds = 60
    data_sets = ("mnist1d",)
    Parameters = SequenceConvnetParameters
    published = Published(
        parameters={
            "learning_rate": 1e-3,
            "batch_size": 64,
            "hidden_width": 16,
            "dropout": 0.0,
            "batch_norm": True,
            "evaluation_statistics": "batch",
        },
        rounds=30,
        figures={
            "accuracy": 0.90,
            "least_share_of_labels_changed": 0.03,
            "largest_share_of_labels_changed": 0.10,
        },
        note="labels changed from one evaluation of the same points to the next; the publication does not name data, "
        "layers and batch size; here: MNIST-1D, 16 channels, batches of 64",
        variants={
            "running": Variant({"evaluation_statistics": "running"}, "running statistics: no label changes")
        },
    )

    def load(self, data: str, data_root: Path) -> Splits:
        """Rows of `mnist1d`: inputs float32 (rows, 40), targets int64 (rows,)."""
        from objectives.datasets.mnist1d import load_mnist1d

        return load_mnist1d()

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test rows."""
        from objectives.datasets.mnist1d import load_mnist1d_test

        return load_mnist1d_test()

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the package that makes the data is installed."""
        from objectives.datasets.mnist1d import is_present

        return is_present()

    def build(self, parameters: SequenceConvnetParameters, example: Rows) -> nn.Module:
        """A network from 40 numbers to ten logits, with three convolutions that each halve the length."""
        from torch import nn

        width = parameters.hidden_width
        layers: list[nn.Module] = [nn.Unflatten(1, (1, LENGTH))]
        for channels, kernel in ((1, 5), (width, 3), (width, 3)):
            layers.append(nn.Conv1d(channels, width, kernel, stride=2, padding=kernel // 2))
            if parameters.batch_norm:
                keep = parameters.evaluation_statistics == "running"
                layers.append(
                    nn.BatchNorm1d(width, momentum=parameters.bn_momentum, track_running_stats=keep)
                )
            layers.append(nn.ReLU())
        layers += [nn.Flatten(), *([nn.Dropout(parameters.dropout)] if parameters.dropout > 0 else [])]
        return nn.Sequential(*layers, nn.Linear(width * LENGTH // 8, CLASSES))
