"""Weights that go along with rows: found or refused, counted in the digest, never lost on the way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from objectives.datasets import pretrained
from objectives.datasets.pretrained import PretrainedRows, imagenet_weights, with_weights
from objectives.errors import DataError, MissingDataError
from objectives.models.squeezenet import SqueezeNet
from tests.objectives_tests.small_data import pictures, pretrained_pictures, splits_of


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with two small nets, which are declared to be ImageNet's."""
    (tmp_path / "weights").mkdir()
    files = {}
    for version in ("1_1", "1_0"):
        path = tmp_path / "weights" / "net.pth"
        torch.save(SqueezeNet(version, 1000, width=8).state_dict(), path)
        files[version] = f"squeezenet{version}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
        path.rename(path.with_name(files[version]))
    monkeypatch.setattr(pretrained, "_IMAGENET", files)
    return tmp_path


def test_files_in_torchvisions_naming_are_read(root: Path) -> None:
    assert pretrained.imagenet_is_present(root)
    weights = imagenet_weights(root)
    assert list(weights) == ["squeezenet1_1-512", "squeezenet1_0-512"]
    assert weights["squeezenet1_1-512"]["classifier.1.weight"].shape[0] == 1000


def test_a_file_whose_digest_is_not_its_names_is_refused(root: Path) -> None:
    path = next((root / "weights").glob("squeezenet1_1-*"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=f"{path} is not the published file: its digest differs"):
        imagenet_weights(root)


def test_a_missing_file_without_a_network_is_told_with_its_place(
    root: Path, monkeypatch: pytest.MonkeyPatch, refusing_url: str
) -> None:
    path = next((root / "weights").glob("squeezenet1_1-*"))
    path.unlink()
    monkeypatch.setattr(pretrained, "_SOURCE", f"{refusing_url}/models/")
    assert not pretrained.imagenet_is_present(root)
    with pytest.raises(MissingDataError, match=f"put it at {path}"):
        imagenet_weights(root)


@pytest.mark.parametrize("content", [b"", b"<html>", b"cos\nsystem\n(S'false'\ntR."])
def test_what_is_no_weights_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="contains no weights"):
        pretrained.read_weights(tmp_path / "net.pth", content)


def test_other_weights_make_other_data() -> None:
    splits = splits_of(pictures(10, side=24), pictures(5, side=24))
    net = SqueezeNet("1_1", 7, width=8).state_dict()
    one = with_weights(splits, "small", {"squeezenet1_1-8": net})
    same = with_weights(
        splits, "small", {"squeezenet1_1-8": {name: net[name].clone() for name in reversed(net)}}
    )
    other = with_weights(
        splits, "small", {"squeezenet1_1-8": {**net, "features.0.bias": net["features.0.bias"] + 1}}
    )
    assert one.digest == same.digest
    assert len({splits.digest, one.digest, other.digest}) == 3


def test_rows_keep_their_weights_wherever_they_go() -> None:
    rows = pretrained_pictures().train
    for part in (rows[:2], rows[torch.tensor([3, 1])], rows.to(torch.device("cpu"))):
        assert isinstance(part, PretrainedRows)
        assert list(part.weights) == ["squeezenet1_1-64", "squeezenet1_0-64", "squeezenet1_1-512"]
