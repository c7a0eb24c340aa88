"""Data sets with pretrained weights.

The weights are stored with the rows, and are part of the data's digest. So a study notices other weights, and a model
depends only on the rows for which it is built.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from objectives.checkpoints.weights import weights_digest
from objectives.datasets.bounded import read_bounded
from objectives.datasets.files import check_published, digest_of, download
from objectives.errors import DataError
from objectives.models.squeezenet import STANDARD_WIDTH, Version, name_of
from objectives.rows.rows import Rows, Splits

FOLDER = "weights"
_MOST_BYTES = 20_000_000  # the larger of the two has 5 MB
_SOURCE = "https://download.pytorch.org/models/"
_IMAGENET: dict[Version, str] = {  # file names end with the start of the digest
    "1_1": "squeezenet1_1-b8a52dc0.pth",
    "1_0": "squeezenet1_0-b66bff10.pth",
}

Weights = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class PretrainedRows(Rows):
    """Rows with pretrained weights, by the name of the model."""

    weights: Weights

    def __getitem__(self, index: Tensor | slice) -> PretrainedRows:
        return dataclasses.replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def to(self, device: torch.device) -> PretrainedRows:
        """The same rows on `device`. The weights are not moved, because they are only copied into a model."""
        return dataclasses.replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))


def with_weights(splits: Splits, name: str, weights: Weights) -> Splits:
    """A data set called `name`: the rows of `splits`, with `weights`."""
    parts = [splits.digest, *(f"{model} {weights_digest(weights[model])}" for model in sorted(weights))]
    train, valid = (
        PretrainedRows(rows.inputs, rows.targets, weights) for rows in (splits.train, splits.valid)
    )
    return Splits(name, train, valid, digest_of("\n".join(parts).encode()))


def imagenet_weights(root: Path) -> Weights:
    """SqueezeNet 1.0 and 1.1 as trained on ImageNet, from torchvision's files in the folder `weights`.

    Raises MissingDataError if the files are missing and can't be downloaded, DataError if they are damaged.
    """
    return {
        name_of(version, STANDARD_WIDTH): _imagenet(root / FOLDER / file)
        for version, file in _IMAGENET.items()
    }


def imagenet_is_present(root: Path) -> bool:
    """Whether both files are present."""
    return all((root / FOLDER / file).is_file() for file in _IMAGENET.values())


def read_weights(path: Path, content: bytes) -> dict[str, Tensor]:
    """The tensors in a file's content, by name. Raises DataError for anything else."""
    try:
        weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged file raises depends on the damage
        raise DataError(
            f"{path} contains no weights ({type(error).__name__}). Remove it and launch again."
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(each, Tensor) for each in weights.values()):
        raise DataError(f"{path} contains something other than weights. Remove it and launch again.")
    return dict(weights)


def _imagenet(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        download(_SOURCE + path.name, path)
    try:
        content = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror}).") from error
    wanted = path.stem.rpartition("-")[2]
    check_published(content, wanted, f"{path} is not the published file", _SOURCE + path.name)
    return read_weights(path, content)
