"""A small MNIST in its own format, IDX, made on the spot."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from objectives.datasets import mnist

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array: NDArray[np.generic]) -> bytes:
    """An IDX file of bytes, as LeCun describes it."""
    shape = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return shape + array.astype(np.uint8).tobytes()


def write_mnist(root: Path, patch: pytest.MonkeyPatch, count: int = 40) -> None:
    """Write `count` training images and a quarter as many for the test, and declare them to be MNIST.

    Image i is of class i % 10 and all of grey 5 · (i % 40), from which its class can be told.
    """
    labels = np.arange(count) % 10
    images = (np.arange(count)[:, None, None] % 40 + np.zeros((count, 28, 28))) * 5
    tested = slice(0, count // 4)
    files = {
        IMAGES: images,
        LABELS: labels,
        TEST_IMAGES: images[tested],
        TEST_LABELS: labels[tested],
    }
    (root / "mnist").mkdir(parents=True)
    for name, array in files.items():
        content = idx(array)
        (root / "mnist" / f"{name}.gz").write_bytes(gzip.compress(content))
        patch.setitem(mnist._MD5_UNPACKED, name, hashlib.md5(content).hexdigest())
