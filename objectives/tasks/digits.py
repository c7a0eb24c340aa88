"""The common base of the tasks on MNIST digits: rows of 784 grey pixels, ten classes, accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from objectives.classification import ClassificationTask
from objectives.parameters.training import TrainingParameters
from objectives.rows.rows import Rows, Splits

if TYPE_CHECKING:
    pass

PIXELS = 784
CLASSES = 10


@dataclass(frozen=True)
class DigitsParameters(TrainingParameters):
    """Parameters on MNIST. input_scaling: `unit` (0 to 1), `standard` (mean 0, variance 1) or `raw` (0 to 255)."""

    input_scaling: Literal["unit", "standard", "raw"] = "unit"


class DigitsTask(ClassificationTask):
    """A classifier of MNIST digits; subclasses build the model."""

    chance_score = 0.1
    data_sets = ("mnist", "mnist-5k")

    def load(self, data: str, data_root: Path) -> Splits:
        """Rows of `mnist` or `mnist-5k`: inputs uint8 (rows, 784), targets int64 (rows,)."""
        from objectives.datasets.mnist import load_mnist

        return load_mnist(data, data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """The test rows of `mnist` or `mnist-5k`."""
        from objectives.datasets.mnist import load_mnist_test

        return load_mnist_test(data, data_root)

    def load_published(self, data: str, data_root: Path) -> Splits:
        """All training images, and the test images in place of validation."""
        from objectives.datasets.mnist import load_mnist_as_published

        return load_mnist_as_published(data, data_root)

    def has_data(self, data: str, data_root: Path) -> bool:
        """Whether the files are present."""
        from objectives.datasets.mnist import is_present

        return is_present(data, data_root)

    def is_sample(self, data: str) -> bool:
        """Whether the data set is `mnist-5k`."""
        return data == "mnist-5k"

    def prepare(self, rows: Rows, parameters: DigitsParameters) -> Rows:
        """Pixels as float32, scaled as `input_scaling` says."""
        pixels = rows.inputs.float()
        match parameters.input_scaling:
            case "unit":
                pixels = pixels / 255.0  # not in place, because the caller still uses the rows
            case "standard":  # mean and deviation of MNIST's training pixels
                pixels = (pixels / 255.0 - 0.1307) / 0.3081
        return Rows(pixels, rows.targets)
