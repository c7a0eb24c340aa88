"""CIFAR-10 as it was published and as images: checked, split without overlap, its test rows sealed."""

from __future__ import annotations

import hashlib
import io
import pickle
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from objectives.datasets import cifar10
from objectives.datasets.cifar10 import CLASSES, load_cifar10, load_cifar10_test
from objectives.errors import DataError, MissingDataError
from objectives.rows.rows import Rows
from tests.objectives_tests.datasets.small_images import (
    batch_pickle,
    picture,
    pixels,
    write_folder,
    write_tar,
)

BATCHES = [f"data_batch_{number}" for number in range(1, 6)]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, refusing_url: str) -> None:
    monkeypatch.setattr(cifar10, "_SOURCE", f"{refusing_url}/cifar-10-python.tar.gz")
    monkeypatch.delenv("SWEEP_CACHE_DIR", raising=False)


def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six batches of twenty images, two a class, which are declared to be CIFAR-10's."""
    files = {"batches.meta": b"not looked at"}
    for first, name in enumerate([*BATCHES, "test_batch"]):
        images = np.stack([pixels(20 * first + row).transpose(2, 0, 1).reshape(-1) for row in range(20)])
        declare(name, batch_pickle(images, [row % 10 for row in range(20)]), files, monkeypatch)
    return {f"cifar-10-batches-py/{name}": content for name, content in files.items()}


def declare(name: str, content: bytes, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    files[name] = content
    monkeypatch.setitem(cifar10._MD5, name, hashlib.md5(content).hexdigest())


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write_tar(tmp_path / "root" / "cifar-10-python.tar.gz", published(monkeypatch))


def image_files() -> dict[str, bytes]:
    names = [
        f"cifar10/{part}/{label}/{number:04}.jpg"
        for part, count in (("train", 10), ("test", 2))
        for label in CLASSES
        for number in range(count)
    ]
    return {name: picture(seed, kind="JPEG") for seed, name in enumerate(names)}


def images_of(rows: Rows) -> list[bytes]:
    return [image.numpy().tobytes() for image in rows.inputs]


def published_seed(image: torch.Tensor) -> int:
    """Which of the pictures it is."""
    (seed,) = (s for s in range(120) if np.array_equal(pixels(s).transpose(2, 0, 1), image.numpy()))
    return seed


def test_published_rows_are_read_as_they_are_stored(archive: Path) -> None:
    splits = load_cifar10(archive.parent)
    assert (splits.name, len(splits.train), len(splits.valid)) == ("cifar10", 90, 10)
    assert splits.train.inputs.shape == (90, 3, 32, 32)
    assert (splits.train.inputs.dtype, splits.train.targets.dtype) == (torch.uint8, torch.int64)
    seeds = [published_seed(image) for image in (*splits.train.inputs, *splits.valid.inputs)]
    assert sorted(seeds) == list(range(100))
    assert seeds[:90] == sorted(seeds[:90])  # in the order of the batches
    assert [seed % 10 for seed in seeds] == [*splits.train.targets.tolist(), *splits.valid.targets.tolist()]
    assert splits.valid.targets.bincount().tolist() == [1] * 10


def test_published_test_rows_are_their_own(archive: Path) -> None:
    rows = load_cifar10_test(archive.parent)
    assert [published_seed(image) for image in rows.inputs] == list(range(100, 120))
    assert rows.targets.tolist() == [row % 10 for row in range(20)]


@pytest.mark.parametrize("place", ["", "cifar10"])
@pytest.mark.parametrize("unpacked", [True, False])
def test_published_files_are_found_where_people_put_them(
    archive: Path, tmp_path: Path, place: str, unpacked: bool
) -> None:
    root = tmp_path / "other"
    if unpacked:
        with tarfile.open(archive) as tar:
            tar.extractall(root / place, filter="data")
    else:
        (root / place).mkdir(parents=True)
        (root / place / archive.name).write_bytes(archive.read_bytes())
    assert cifar10.is_present(root)
    assert load_cifar10(root).digest == load_cifar10(archive.parent).digest


@pytest.mark.parametrize("kind", ["folder", "cifar10-images.tar.gz", "cifar10-images.tar"])
def test_images_are_split_without_overlap_and_the_test_is_sealed(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        write_folder(tmp_path, image_files())
    else:
        write_tar(tmp_path / kind, image_files())
    assert cifar10.is_present(tmp_path)
    splits, test = load_cifar10(tmp_path), load_cifar10_test(tmp_path)
    parts = [images_of(rows) for rows in (splits.train, splits.valid, test)]
    assert [len(part) for part in parts] == [90, 10, 20]
    assert len(set().union(*parts)) == 120
    assert splits.valid.targets.tolist() == list(range(10))
    assert test.targets.tolist() == [label for label in range(10) for _ in range(2)]


def test_images_are_the_same_rows_from_a_folder_and_a_tar(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", image_files())
    write_tar(tmp_path / "two" / "cifar10-images.tar.gz", dict(reversed(image_files().items())))
    assert load_cifar10(tmp_path / "one").digest == load_cifar10(tmp_path / "two").digest


def test_published_files_go_before_images(archive: Path) -> None:
    expected = load_cifar10(archive.parent).digest
    write_folder(archive.parent, image_files())
    assert load_cifar10(archive.parent).digest == expected
    archive.unlink()
    assert load_cifar10(archive.parent).digest != expected


def test_a_search_does_not_open_test_images(tmp_path: Path) -> None:
    broken = {name: b"" if "/test/" in name else content for name, content in image_files().items()}
    write_folder(tmp_path, broken)
    assert len(load_cifar10(tmp_path).train) == 90
    with pytest.raises(DataError, match=r"'test/airplane/0000\.jpg' can't be read as an image"):
        load_cifar10_test(tmp_path)


def test_a_search_does_not_unpickle_the_test_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: content for name, content in published(monkeypatch).items() if "test_batch" not in name}
    write_folder(tmp_path, files)
    assert len(load_cifar10(tmp_path).train) == 90
    with pytest.raises(DataError, match="cifar-10-batches-py lacks test_batch"):
        load_cifar10_test(tmp_path)


def test_a_batch_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path, published(monkeypatch)) / "cifar-10-batches-py"
    content = (folder / "data_batch_3").read_bytes()
    (folder / "data_batch_3").write_bytes(content[:-20] + b"\0" + content[-19:])
    with pytest.raises(DataError) as refusal:
        load_cifar10(tmp_path)
    assert f"{folder}: data_batch_3 is not the published file: its digest differs" in str(refusal.value)
    assert f"fetch {cifar10._SOURCE} yourself" in str(refusal.value)


class Touch:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return subprocess.call, (["touch", str(self.marker)],)


@pytest.mark.parametrize("declared", [True, False])
def test_a_batch_that_would_run_code_runs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    files, content = published(monkeypatch), pickle.dumps({b"data": Touch(tmp_path / "marker")})
    files["cifar-10-batches-py/data_batch_1"] = content
    if declared:  # even if the digest did not stop it
        declare("data_batch_1", content, {}, monkeypatch)
    write_tar(tmp_path / "cifar-10-python.tar.gz", files)
    with pytest.raises(DataError, match=r"asks for 'subprocess\.call'" if declared else "its digest differs"):
        load_cifar10(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["cifar-10-python.tar.gz"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (batch_pickle(np.zeros((2, 3072), np.uint8), [1, 2])[:900], "is damaged or cut short"),
        (batch_pickle(np.zeros((2, 3071), np.uint8), [1, 2]), "contains no CIFAR-10 images"),
        (batch_pickle(np.zeros((2, 3072), np.uint8), [1]), "contains 2 images but 1 labels"),
        (batch_pickle(np.zeros((2, 3072), np.uint8), [1, 10]), "has the label 10, but labels must be 0 to 9"),
        (pickle.dumps({"data": []}), "contains no CIFAR-10 images"),
        (pickle.dumps(None), "contains no CIFAR-10 images"),
    ],
)
def test_a_batch_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, what: str
) -> None:
    files: dict[str, bytes] = {}
    declare("test_batch", content, files, monkeypatch)
    write_folder(tmp_path / "cifar-10-batches-py", files)
    with pytest.raises(DataError, match=f"cifar-10-batches-py: test_batch {what}"):
        load_cifar10_test(tmp_path)


def test_a_truncated_archive_is_named(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-3000])
    with pytest.raises(
        DataError, match=rf"{archive} can't be read to its end \(.+\): it is damaged or cut short"
    ):
        load_cifar10(archive.parent)
    assert list(archive.parent.iterdir()) == [archive]


def test_images_of_other_classes_or_sizes_are_not_cifar10(tmp_path: Path) -> None:
    files = {name.replace("/cat/", "/lion/"): content for name, content in image_files().items()}
    write_folder(tmp_path, files)
    with pytest.raises(
        DataError, match=r"its classes are not CIFAR-10's\. Found: airplane, .+ lion, .+ Needed: "
    ):
        load_cifar10(tmp_path)
    other = {**image_files(), "cifar10/train/cat/0003.jpg": picture(0, 40, 32, kind="JPEG")}
    write_tar(tmp_path / "two" / "cifar10-images.tar", other)
    with pytest.raises(DataError, match=r"cat/0003\.jpg' can't .+ \(it has 40 x 32 pixels, not 32 x 32\)"):
        load_cifar10(tmp_path / "two")


def test_what_is_missing_is_told_with_its_place(tmp_path: Path) -> None:
    assert not cifar10.is_present(tmp_path)
    with pytest.raises(MissingDataError) as refusal:
        load_cifar10(tmp_path / "root")
    assert f"put it at {tmp_path / 'root' / 'cifar-10-python.tar.gz'}" in str(refusal.value)
    assert not (tmp_path / "root").exists()


def test_what_is_missing_is_downloaded_and_checked(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10, "_SOURCE", archive.as_uri())
    root = tmp_path / "new"
    with pytest.raises(DataError, match="sent a file that is not the published one"):
        load_cifar10(root)
    assert list(root.iterdir()) == []
    monkeypatch.setattr(cifar10, "_ARCHIVE_MD5", hashlib.md5(archive.read_bytes()).hexdigest())
    assert load_cifar10(root).digest == load_cifar10(archive.parent).digest
    assert (root / archive.name).read_bytes() == archive.read_bytes()


def test_rows_are_decoded_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_tar(tmp_path / "cifar10-images.tar.gz", image_files())
    digests = {load_cifar10(tmp_path).digest for _ in range(2)}
    assert capsys.readouterr().err == "decoding cifar10: 100 images (only at the first launch)\n"
    assert len(digests) == 1
    path.unlink()
    with pytest.raises(MissingDataError):  # what is kept stands in for no source
        load_cifar10(tmp_path)


@pytest.mark.real_data
def test_the_real_set_is_split_45000_to_5000(data_root: Path) -> None:
    splits = load_cifar10(data_root)
    assert splits.train.targets.bincount().tolist() == [4500] * 10
    assert splits.valid.targets.bincount().tolist() == [500] * 10
    means = splits.train.inputs.double().mean(dim=(0, 2, 3)) / 255
    assert torch.allclose(means, torch.tensor([0.4914, 0.4822, 0.4465]).double(), atol=1e-3)  # as published
    test = load_cifar10_test(data_root)
    assert test.targets.bincount().tolist() == [1000] * 10
    assert set(images_of(test)).isdisjoint(images_of(splits.train) + images_of(splits.valid))


@pytest.mark.real_data
def test_the_real_images_are_decoded_as_pillow_does(data_root: Path) -> None:
    path = data_root / "cifar10-images.tar.gz"
    if not path.is_file() or "python" in str(cifar10._find(data_root)):
        pytest.skip("has another form of CIFAR-10")
    with tarfile.open(path) as tar:
        member = tar.extractfile("cifar10/test/airplane/0000.jpg")
        assert member is not None
        expected = np.asarray(Image.open(io.BytesIO(member.read())))
    assert np.array_equal(load_cifar10_test(data_root).inputs[0].numpy(), expected.transpose(2, 0, 1))
