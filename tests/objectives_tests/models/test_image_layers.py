"""Images: Pillow's pixels, in one order from folders and tars, and clear words for what is none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from objectives.datasets import images
from objectives.datasets.images import decode, list_images, read_parts
from objectives.datasets.trees import open_tree
from objectives.errors import DataError
from objectives.rows.rows import Rows
from tests.objectives_tests.datasets.small_images import Files, picture, pixels, write_folder, write_tar

CLASSES = ("cat", "dog", "eel")


def small_set(*, train: int = 4, test: int = 2) -> dict[str, bytes]:
    """A picture of its own for each name; seeds tell them apart."""
    names = [
        f"pets/{part}/{label}/{number:04}.png"
        for part, count in (("train", train), ("test", test))
        for label in CLASSES
        for number in range(count)
    ]
    return {name: picture(seed) for seed, name in enumerate(names)}


def read_all(path: Path, part: str = "train", *, size: int = 32, fit: bool = False) -> Rows:
    listing = list_images(open_tree(path), part)
    (rows,) = read_parts(listing, [np.arange(len(listing.names))], size=size, fit=fit, name="pets")
    return rows


KINDS = [
    ("PNG", "RGB"),
    ("PNG", "L"),
    ("PNG", "P"),
    ("PNG", "RGBA"),
    ("JPEG", "RGB"),
    ("JPEG", "L"),
    ("JPEG", "CMYK"),
]


@pytest.mark.parametrize(("kind", "mode"), KINDS)
def test_pixels_are_pillows(kind: str, mode: str) -> None:
    content = picture(5, mode=mode, kind=kind)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(decode(content, 32, fit=False), expected.transpose(2, 0, 1))
    assert np.array_equal(decode(content, 32, fit=True), expected.transpose(2, 0, 1))  # taken as it is
    if (kind, mode) == ("PNG", "RGB"):
        assert np.array_equal(expected, pixels(5))


@pytest.mark.parametrize(("width", "height"), [(128, 256), (256, 128), (48, 16), (64, 64)])
def test_other_sizes_are_scaled_to_the_shorter_side_and_cropped_in_the_middle(
    width: int, height: int
) -> None:
    whole = Image.fromarray(pixels(1, width, height))
    scale = 32 / min(width, height)
    scaled = whole.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
    left, top = (scaled.width - 32) // 2, (scaled.height - 32) // 2
    expected = np.asarray(scaled.crop((left, top, left + 32, top + 32))).transpose(2, 0, 1)
    difference = decode(picture(1, width, height), 32, fit=True).astype(int) - expected
    assert np.abs(difference).max() <= 1  # one step at a time, it is rounded once more


@pytest.mark.parametrize("name", ["pets", "pets.tar", "pets.tar.gz"])
def test_rows_are_ordered_by_class_and_name_wherever_they_lie(tmp_path: Path, name: str) -> None:
    files = small_set()
    shuffled = {image: files[image] for image in sorted(files, key=lambda image: image[::-1])}
    rows = read_all((write_tar if "." in name else write_folder)(tmp_path / name, shuffled))
    assert rows.targets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert rows.inputs.dtype == torch.uint8
    for seed in range(12):
        assert np.array_equal(rows.inputs[seed].numpy(), pixels(seed).transpose(2, 0, 1))


def test_a_part_has_its_own_images_and_the_classes_of_all(tmp_path: Path) -> None:
    rows = read_all(write_tar(tmp_path / "pets.tar", small_set()), "test")
    assert rows.targets.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.array_equal(rows.inputs[0].numpy(), pixels(12).transpose(2, 0, 1))


def test_parts_are_read_in_the_order_of_their_indices(tmp_path: Path) -> None:
    listing = list_images(open_tree(write_folder(tmp_path, small_set())), "train")
    one, other = read_parts(
        listing, [np.array([7, 2]), np.array([11, 0, 1])], size=32, fit=False, name="pets"
    )
    assert one.targets.tolist() == [1, 0]
    assert other.targets.tolist() == [2, 0, 0]
    for row, seed in zip([*one.inputs, *other.inputs], [7, 2, 11, 0, 1], strict=True):
        assert np.array_equal(row.numpy(), pixels(seed).transpose(2, 0, 1))


def test_threads_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "pets.tar", small_set(train=200, test=1))
    expected = read_all(path)
    monkeypatch.setattr(images, "_THREADED_BYTES", 0)
    threaded = read_all(path)
    assert len(threaded) == 600
    assert torch.equal(threaded.inputs, expected.inputs)


def test_what_takes_long_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_all(write_folder(tmp_path, small_set()))
    assert capsys.readouterr().err == "decoding pets: 12 images (only at the first launch)\n"


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes: what a decoder would make room for stands in its header alone."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b""), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


REFUSED: Files = {
    "empty": b"",
    "text": b"<html>sign in</html>",
    "cut short": picture(0, kind="JPEG")[:400],
    "cut short, png": picture(0)[:-200],
    "another format": picture(0, kind="GIF"),
    "another size": picture(0, width=33),
    "claims 51 megapixels": png_that_claims(6_000, 8_500),
    "claims 100 megapixels": png_that_claims(10_000, 10_000),
    "claims 10 gigapixels": png_that_claims(100_000, 100_000),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_such_image_is_named(tmp_path: Path, content: bytes) -> None:
    path = write_tar(tmp_path / "pets.tar.gz", {**small_set(), "pets/train/cat/0001.png": content})
    with pytest.raises(DataError) as refusal:
        read_all(path)
    assert f"{path}: 'pets/train/cat/0001.png' can't be read as an image (" in str(refusal.value)
    assert str(refusal.value).endswith("Remove it, or replace it with an intact copy.")


@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
def test_a_size_that_pillow_only_warns_of_is_refused() -> None:
    with (
        pytest.warns(Image.DecompressionBombWarning),
        pytest.raises(ValueError, match="it claims 10000 x 10000 pixels"),
    ):
        decode(png_that_claims(10_000, 10_000), 32, fit=True)


@pytest.mark.parametrize("name", ["pets/0001.jpg", "pets/cat/0001.JPEG", "0001.png", "pets/valid/cat/1.png"])
def test_an_image_outside_of_a_class_is_told(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "pets.tar", {**small_set(), name: picture(0)})
    with pytest.raises(DataError, match=rf"'{name}' must lie in a folder train/CLASS or test/CLASS"):
        list_images(open_tree(path), "train")


def test_other_files_beside_the_classes_are_passed_over(tmp_path: Path) -> None:
    path = write_folder(tmp_path, {**small_set(), "pets/README.md": b"hello", "pets/train/list.txt": b""})
    assert len(list_images(open_tree(path), "train").names) == 12


def test_a_class_without_an_image_in_a_part_is_told(tmp_path: Path) -> None:
    files = {name: content for name, content in small_set().items() if "test/dog" not in name}
    tree = open_tree(write_folder(tmp_path, files))
    assert list_images(tree, "train").classes == CLASSES
    with pytest.raises(DataError, match="1 of 3 classes have no test image: dog"):
        list_images(tree, "test")


def test_too_few_images_to_split_are_told(tmp_path: Path) -> None:
    listing = list_images(open_tree(write_folder(tmp_path, small_set())), "train")
    with pytest.raises(DataError, match="12 images are too few for three splits"):
        read_parts(listing, [np.arange(12), np.arange(0)], size=32, fit=False, name="pets")
