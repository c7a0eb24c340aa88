"""Every task that ships, from launch to replay and confirmation, on a small sample of its data in their own format."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import objectives
from objectives.datasets import cora, pretrained
from objectives.datasets.food101 import CLASSES as DISHES
from objectives.models.squeezenet import SqueezeNet
from objectives.registry import BUILT_IN, get_task
from sweeps.best_config.document import read_config
from tests.objectives_tests.datasets.idx_files import write_mnist
from tests.objectives_tests.datasets.planetoid_files import small_set, write_set
from tests.objectives_tests.datasets.small_images import picture, write_tar
from tests.sweeps_tests.conftest import Sweep

MNIST_TASKS = ("mnist_mlp", "mnist_mlp_online", "mnist_mlp_bn", "mnist_convnet")
FEWER = {
    "mnist_convnet": ("hidden_width=16", "batch_size=256"),
    "mnist_mlp_online": ("images_per_round=2000",),
    "cifar10_cnn": ("hidden_width=32",),
    "food101_squeezenet": ("transfer=head", "hidden_width=512", "steps_per_round=2"),
    "text8_skipgram": ("pairs_per_round=4000",),
    "cora_gcn": ("hidden_width=16",),
    "sequence_convnet": ("hidden_width=8", "batch_size=256"),
}
DATA = {
    **dict.fromkeys(MNIST_TASKS, "mnist"),
    "text8_skipgram": "text",
}


def no_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that a package makes."""


def small_mnist(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(root, monkeypatch, count=400)


def small_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from objectives.datasets.cifar10 import CLASSES

    names = [
        f"cifar10/{part}/{label}/{number:04}.jpg"
        for part, count in (("train", 10), ("test", 2))
        for label in CLASSES
        for number in range(count)
    ]
    write_tar(root / "cifar10-images.tar.gz", {name: picture(n, kind="JPEG") for n, name in enumerate(names)})


def small_food101(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        f"food101/{part}/dish_{dish:03}/{number}.jpg"
        for part, count in (("train", 4), ("test", 1))
        for dish in range(DISHES)
        for number in range(count)
    ]
    pictures = {name: picture(n, 24, 24, kind="JPEG") for n, name in enumerate(names)}
    write_tar(root / "food101-small.tar.gz", pictures)
    (root / "weights").mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for version in pretrained._IMAGENET:
            packed = io.BytesIO()
            torch.save(SqueezeNet(version, 1000).state_dict(), packed)
            name = f"squeezenet{version}-{hashlib.sha256(packed.getvalue()).hexdigest()[:8]}.pth"
            (root / "weights" / name).write_bytes(packed.getvalue())
            monkeypatch.setitem(pretrained._IMAGENET, version, name)


def small_cora(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cora, "_SHA256", write_set(root / "cora", small_set()))


def small_text(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "text").mkdir()
    words = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrs"]
    order = torch.randint(len(words), (6000,), generator=torch.Generator().manual_seed(0)).tolist()
    (root / "text" / "mine.txt").write_text(" ".join(words[number] for number in order))


SAMPLES: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    **dict.fromkeys(MNIST_TASKS, small_mnist),
    "cifar10_cnn": small_cifar10,
    "food101_squeezenet": small_food101,
    "cora_gcn": small_cora,
    "text8_skipgram": small_text,
}


@pytest.mark.parametrize("task", BUILT_IN)
def test_from_launch_to_replay_and_confirmation(
    task: str, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("SWEEP_CACHE_DIR", str(tmp_path / "cache"))
    SAMPLES.get(task, no_files)(root, monkeypatch)
    data = ("--data", DATA[task]) if task in DATA else ()
    how = ("--data-dir", root, "--runner", "inline")
    sweep("launch", task, *FEWER.get(task, ()), *data, "-n", "3", "--rounds", "2", "--study", "s", *how)
    best = tmp_path / "home" / "studies" / "s" / "best.yaml"
    assert "rounds are equal" in sweep("replay", best, "--data-dir", root).err
    said = sweep("confirm", "s", "--top", "1", "--seeds", "1", *how).err
    assert "for the first time" in said
    _gives_the_confirmed_figure(task, best, root)


def _gives_the_confirmed_figure(name: str, best: Path, root: Path) -> None:
    """Raw rows of the test split into the exported model of the repeat: out comes the score that was confirmed."""
    confirmed, task = read_config(best).confirmed, get_task(name)
    assert confirmed is not None
    model = objectives.load_model(best.parent.parent / confirmed["study"] / "best.yaml")
    rows = task.load_test(DATA.get(name, task.data_sets[0]), root)
    assert [model.evaluate(rows).score] == confirmed["test"]["values"]
    if not task.needs_rows:
        with torch.no_grad():
            scores = task.scores(model(rows.inputs), rows.targets)
        assert scores.double().mean().item() == pytest.approx(confirmed["test"]["mean"])
