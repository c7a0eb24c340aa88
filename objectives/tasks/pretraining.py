"""Pretrained weights for machines that can't download ImageNet's: SqueezeNet 1.1, trained here on CIFAR-10, once.

The training makes two passes over CIFAR-10's training rows, scaled up from 32 to 64 pixels, by the shared loop with a
fixed seed, on the CPU with two threads. The file is kept in the cache folder; its name depends on this recipe and on
the rows' digest. On other hardware, the same recipe rounds differently. So a study that moves to another machine must
take its weights file along, to keep its data digest.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from objectives.checkpoints.weights import save_weights
from objectives.classification import ClassificationTask
from objectives.datasets.files import digest_of
from objectives.datasets.pretrained import FOLDER, Weights, read_weights
from objectives.errors import DataError
from objectives.models.squeezenet import SqueezeNet, name_of
from objectives.models.varied_images import random_flips
from objectives.parameters.training import ScheduleName, TrainingParameters
from objectives.rows.rows import Rows, Splits
from objectives.training.loop import Run, make_deterministic, train

PASSES = 2
THREADS = 2
SIDE = 64
SEED = 0


@dataclass(frozen=True)
class PretrainingParameters(TrainingParameters):
    """The parameters of the pretraining."""

    learning_rate: float = 1e-3
    batch_size: int = 64
    hidden_width: int = 512
    dropout: float = 0.0
    batch_norm: bool = False
    schedule: ScheduleName = "one_cycle"
    gradient_clip: float | None = 1.0


class Pretraining(ClassificationTask):
    """SqueezeNet 1.1 on CIFAR-10, scaled up. It only makes weights, so it is not a task that can be launched."""

    name = "squeezenet_on_cifar10"
    chance_score = 0.1
    rounds = PASSES
    data_sets = ("cifar10",)
    Parameters = PretrainingParameters
    evaluation_rows = 250

    def load(self, data: str, data_root: Path) -> Splits:
        """CIFAR-10's rows."""
        from objectives.datasets.cifar10 import load_cifar10

        return load_cifar10(data_root)

    def load_test(self, data: str, data_root: Path) -> Rows:
        """CIFAR-10's test rows."""
        from objectives.datasets.cifar10 import load_cifar10_test

        return load_cifar10_test(data_root)

    def augment(self, batch: Rows, parameters: PretrainingParameters) -> Rows:
        """The batch, half of its images flipped."""
        return Rows(random_flips(batch.inputs), batch.targets)

    def build(self, parameters: PretrainingParameters, example: Rows) -> nn.Module:
        """SqueezeNet 1.1, its weights initialised as in He et al. (2015)."""
        from objectives.models.layers import initialize

        net = SqueezeNet("1_1", 10, width=parameters.hidden_width, dropout=parameters.dropout)
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                initialize(layer, "he")
        return net

    def forward(self, model: nn.Module, batch: Rows) -> Tensor:
        """Logits of images scaled up to 64 pixels."""
        outputs: Tensor = model(interpolate(batch.inputs.float(), size=(SIDE, SIDE), mode="bilinear"))
        return outputs


def pretrained(splits: Splits, root: Path, parameters: PretrainingParameters | None = None) -> Weights:
    """The weights of SqueezeNet 1.1, trained on CIFAR-10's `splits`.

    They are read from the folder `weights` in the data folder or the cache. If they are in neither, they are trained
    and written to the cache. Raises DataError if the file is damaged or can't be written.
    """
    parameters = parameters or PretrainingParameters()
    path = _place(root, f"squeezenet1_1-cifar10-{_key(splits, parameters)}.pth")
    if not path.is_file():
        run = Run(Pretraining(), parameters, splits, rounds=PASSES, seed=SEED)
        print(
            f"pretraining SqueezeNet 1.1 on CIFAR-10, because ImageNet's weights can't be downloaded: "
            f"{PASSES * run.steps_per_round:,} steps, 3 to 6 minutes on two cores. This happens only once; the weights "
            f"are kept in {path}",
            file=sys.stderr,
        )
        _train(run, path)
    try:
        return {name_of("1_1", parameters.hidden_width): read_weights(path, path.read_bytes())}
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror}).") from error


def _key(splits: Splits, parameters: PretrainingParameters) -> str:
    recipe = f"{parameters} {PASSES} passes, {SIDE} pixels, seed {SEED}, {THREADS} threads"
    return digest_of(f"{recipe}\n{splits.digest}".encode())[:16]


def _place(root: Path, file: str) -> Path:
    """The path of `file` in the data folder if it is there, else in the cache."""
    if (root / FOLDER / file).is_file():
        return root / FOLDER / file
    given = os.environ.get("SWEEP_CACHE_DIR")
    return (
        (Path(given).expanduser() if given else platformdirs.user_cache_path("onset-sweeps")) / FOLDER / file
    )


def _train(run: Run, path: Path) -> None:
    with _deterministic():
        for latest in train(run):
            print(
                f"pretraining: pass {latest.index} of {run.rounds}, validation accuracy {latest.valid_score:.3f}",
                file=sys.stderr,
            )
    try:
        save_weights(run.model.state_dict(), path)
    except OSError as error:
        raise DataError(
            f"{path} can't be written ({error.strerror}). Set SWEEP_CACHE_DIR to another folder."
        ) from error


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """Inside the `with` block, torch is deterministic as in every worker, but with two threads."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    make_deterministic(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        torch.backends.cudnn.benchmark = benchmark
