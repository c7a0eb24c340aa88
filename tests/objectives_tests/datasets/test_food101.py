"""Food-101 in its public layout and as images of any size: 101 classes, split, its test rows sealed."""

from __future__ import annotations

import functools
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from objectives.datasets import food101
from objectives.datasets.food101 import load_food101, load_food101_test
from objectives.errors import DataError, MissingDataError
from objectives.rows.rows import Rows
from tests.objectives_tests.datasets.small_images import picture, write_folder, write_tar

DISHES = [f"dish_{number:03}" for number in range(food101.CLASSES)]
TRAIN, TEST = 4, 1  # images a class


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, refusing_url: str) -> None:
    monkeypatch.setattr(food101, "_SOURCE", f"{refusing_url}/food-101.tar.gz")
    monkeypatch.delenv("SWEEP_CACHE_DIR", raising=False)


@functools.cache
def dishes() -> Mapping[str, bytes]:
    """By CLASS/ID: pictures of many sizes, where the last of each class is for the test."""
    ids = [f"{dish}/{number}" for dish in DISHES for number in range(TRAIN + TEST)]
    return {name: picture(k, 64 + k % 3, 64 + 7 * (k % 2), kind="JPEG") for k, name in enumerate(ids)}


def is_test(name: str) -> bool:
    return name.endswith(f"/{TRAIN}")


def image_files(folder: str = "food101") -> dict[str, bytes]:
    parts = {name: "test" if is_test(name) else "train" for name in dishes()}
    return {f"{folder}/{parts[name]}/{name}.jpg": content for name, content in dishes().items()}


def public_files() -> dict[str, bytes]:
    lists = {
        "classes": reversed(DISHES),  # theirs is not in the order of the alphabet throughout
        "train": [name for name in reversed(dishes()) if not is_test(name)],
        "test": [name for name in dishes() if is_test(name)],
    }
    metas = {f"food-101/meta/{name}.txt": "\n".join(lines).encode() for name, lines in lists.items()}
    return {f"food-101/images/{name}.jpg": content for name, content in dishes().items()} | metas


def images_of(rows: Rows) -> list[bytes]:
    return [image.numpy().tobytes() for image in rows.inputs]


def test_rows_are_split_without_overlap_and_the_test_is_sealed(tmp_path: Path) -> None:
    write_tar(tmp_path / "food101-some.tar.gz", image_files())
    splits, test = load_food101(tmp_path), load_food101_test(tmp_path)
    assert splits.name == "food101"
    assert splits.train.inputs.shape == (303, 3, 64, 64)
    assert (splits.train.inputs.dtype, splits.train.targets.dtype) == (torch.uint8, torch.int64)
    parts = [images_of(rows) for rows in (splits.train, splits.valid, test)]
    assert [len(part) for part in parts] == [303, 101, 101]
    assert len(set().union(*parts)) == 505
    assert splits.valid.targets.tolist() == test.targets.tolist() == list(range(101))


def forms(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Every form in which the same images may lie in a data root, in the order in which they count."""
    public = write_tar(root / "public tar" / "food-101.tar.gz", public_files())
    digest = hashlib.md5(public.read_bytes()).hexdigest()
    monkeypatch.setitem(food101._ARCHIVE_MD5, "food-101.tar.gz", digest)
    write_folder(root / "public folder", public_files())
    write_folder(root / "folder", image_files())
    write_tar(root / "tar" / "food101-some.tar", image_files("anything"))
    write_tar(root / "public layout" / "food101-mine.tar.gz", public_files())
    return {path.name: path for path in root.iterdir()}


def test_every_form_gives_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = forms(tmp_path / "roots", monkeypatch)
    assert len(found) == 5
    assert all(map(food101.is_present, found.values()))
    assert len({load_food101(root).digest for root in found.values()}) == 1
    tests = [load_food101_test(root) for root in found.values()]
    assert all(torch.equal(test.inputs, tests[0].inputs) for test in tests)
    assert all(torch.equal(test.targets, tests[0].targets) for test in tests)


def test_the_published_archive_is_checked(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "food-101.tar.gz", image_files())
    with pytest.raises(DataError, match=f"{path} is not the published file: its digest differs"):
        load_food101(tmp_path)
    path.rename(tmp_path / "food101-mine.tar.gz")
    assert len(load_food101(tmp_path).train) == 303


def test_the_published_set_goes_before_others(tmp_path: Path) -> None:
    write_tar(tmp_path / "food101-some.tar.gz", {})
    assert food101._find(tmp_path) == [tmp_path / "food101-some.tar.gz"]
    write_folder(tmp_path, {"food101/train/dish/1.jpg": b""})
    assert food101._find(tmp_path) == [tmp_path / "food101"]
    write_folder(tmp_path, {"food-101/meta/train.txt": b""})
    assert food101._find(tmp_path) == [tmp_path / "food-101"]
    write_tar(tmp_path / "food-101.tar.gz", {})
    assert food101._find(tmp_path) == [tmp_path / "food-101.tar.gz"]


def test_several_sets_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("food101-one.tar.gz", "food101-two.tar"):
        write_tar(tmp_path / name, {})
    with pytest.raises(
        DataError, match=r"several copies of Food-101: food101-one\.tar\.gz, food101-two\.tar\. Keep"
    ):
        load_food101(tmp_path)


def changed(**lists: bytes) -> dict[str, bytes]:
    """The public files with other lists; an empty one is left out."""
    files = public_files() | {f"food-101/meta/{name}.txt": content for name, content in lists.items()}
    return {name: content for name, content in files.items() if content}


TRAIN_LIST = public_files()["food-101/meta/train.txt"]
REFUSED = {
    "no list": (changed(train=b""), r"lacks food-101/meta/train\.txt"),
    "no text": (changed(train=b"\xff\xfe"), "is not a text file"),
    "no image": (
        changed(train=TRAIN_LIST + b"\ndish_000/77"),
        "lists 'dish_000/77', but there is no such image",
    ),
    "no class": (changed(train=b"dish_777/0"), "lists 'dish_777/0', but there is no such image or class"),
    "a way out": (changed(train=b"dish_000/../../../x"), "but there is no such image"),
    "in both": (changed(test=TRAIN_LIST[:10]), "dish_100/3 is listed for both training and testing"),
    "class left out": (
        changed(train=TRAIN_LIST[11 * TRAIN :]),
        r"1 of 101 classes have no train image: dish_100",
    ),
    "100 classes": (
        {name: content for name, content in image_files().items() if "dish_050" not in name},
        "has 100 classes, but Food-101 has 101",
    ),
    "nothing": ({"README": b""}, "has 0 classes"),
}


@pytest.mark.parametrize(("files", "what"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_food101_is_told(tmp_path: Path, files: dict[str, bytes], what: str) -> None:
    path = write_tar(tmp_path / "food101-mine.tar", files)
    with pytest.raises(DataError, match=what) as refusal:
        load_food101(tmp_path)
    assert str(refusal.value).startswith(str(path))
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == [path.name]


def test_what_is_missing_is_told_with_its_place(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert not food101.is_present(root)
    with pytest.raises(MissingDataError) as refusal:
        load_food101(root)
    assert f"put it at {root / 'food-101.tar.gz'}" in str(refusal.value)
    assert not root.exists()


def test_rows_are_decoded_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_tar(tmp_path / "food101-some.tar", image_files())
    digests = {load_food101(tmp_path).digest for _ in range(2)}
    assert capsys.readouterr().err == "decoding food101: 404 images (only at the first launch)\n"
    assert len(digests) == 1
    files = image_files()
    files["food101/train/dish_000/0.jpg"] = picture(12345, kind="JPEG")
    write_tar(path, files)
    assert load_food101(tmp_path).digest not in digests


@pytest.mark.real_data
def test_the_real_images_are_split_by_class_and_decoded_as_pillow_does(data_root: Path) -> None:
    path = data_root / "food101-64px-subset.tar.gz"
    if food101._find(data_root) != [path]:
        pytest.skip("has another form of Food-101")
    splits, test = load_food101(data_root), load_food101_test(data_root)
    assert splits.train.targets.bincount().tolist() == [102] * 101
    assert splits.valid.targets.bincount().tolist() == [18] * 101
    assert test.targets.bincount().tolist() == [20] * 101
    train, valid, sealed = (set(images_of(rows)) for rows in (splits.train, splits.valid, test))
    assert train.isdisjoint(valid)
    assert len(sealed & (train | valid)) == 1  # a photograph that was published twice, under two names
    with tarfile.open(path) as tar:
        member = tar.extractfile("food101/test/apple_pie/1579622.jpg")
        assert member is not None
        expected = np.asarray(Image.open(io.BytesIO(member.read())))
    assert np.array_equal(test.inputs[0].numpy(), expected.transpose(2, 0, 1))
