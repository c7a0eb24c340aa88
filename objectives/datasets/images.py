"""Images by class, in a folder or a tar. Their order is the same on every machine; Pillow decodes them."""

from __future__ import annotations

import io
import itertools
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL import __version__ as _pillow_version

from objectives.datasets.progress import progress
from objectives.datasets.trees import Tree
from objectives.errors import DataError
from objectives.rows.rows import Rows

DECODER = f"Pillow {_pillow_version}"  # decoded rows depend on the version
FORMATS = ("JPEG", "PNG")  # Pillow knows more formats; some of them start other programs
LARGEST_PIXELS = 50_000_000  # larger than any photograph; a small file that claims more would fill the memory
PARTS = ("train", "test")
_CHUNK = 64  # images in memory at once
_THREADED_BYTES = 16_384  # decoding a smaller image is faster than handing it to another thread
_UNDECODABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True)
class Listing:
    """Images of one part of a data set, in the order of their classes, then of their names.

    labels: int64, (images,): the number of each image's class within `classes`.
    """

    tree: Tree
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, tree: Tree, part: str, named: Sequence[tuple[str, str]], classes: Sequence[str]) -> Listing:
        """Make it from (class, name) pairs. Raises DataError if a class has no image in this part."""
        if absent := sorted(set(classes) - {label for label, _ in named}):
            raise DataError(
                f"{tree.path}: {len(absent)} of {len(classes)} classes have no {part} image: {_some(absent)}."
            )
        numbers = {label: number for number, label in enumerate(classes)}
        ordered = sorted(named)
        labels = np.array([numbers[label] for label, _ in ordered], np.int64)
        return cls(tree, tuple(name for _, name in ordered), labels, tuple(classes))


def list_images(tree: Tree, part: str) -> Listing:
    """The images `part/class/file`, where part is `train` or `test`. These folders may be inside other folders.

    Classes are those of both parts, in alphabetical order. Raises DataError for an image elsewhere.
    """
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in PARTS}
    for name in tree.names():
        above, _, file = name.rpartition("/")
        where, label = above.split("/")[-2:] if "/" in above else ("", "")
        if where in found:
            found[where].append((label, name))
        elif file.lower().endswith((".jpg", ".jpeg", ".png")):
            raise DataError(f"{tree.path}: {name!r} must lie in a folder train/CLASS or test/CLASS.")
    classes = sorted({label for pairs in found.values() for label, _ in pairs})
    return Listing.of(tree, part, found[part], classes)


def read_parts(
    listing: Listing, parts: Sequence[NDArray[np.int64]], *, size: int, fit: bool, name: str
) -> list[Rows]:
    """The images of each of `parts` (indices into the listing): inputs uint8 (rows, 3, size, size), RGB.

    fit: whether images of other sizes are scaled (bicubic, the shorter side to `size`) and cropped in the middle; if
    not, they are refused. name: that of the data set, for the progress bar. Raises DataError, with the file's name, for
    a file that is not an image, and for a part without rows.
    """
    if not all(map(len, parts)):
        raise DataError(f"{listing.tree.path}: {len(listing.names)} images are too few for three splits.")
    order = np.concatenate(parts)
    inputs = torch.from_numpy(_decode_all(listing, order, size, fit, name))
    targets = torch.from_numpy(listing.labels[order])
    bounds = [0, *itertools.accumulate(map(len, parts))]
    return [Rows(inputs[start:end], targets[start:end]) for start, end in itertools.pairwise(bounds)]


def decode(content: bytes, size: int, *, fit: bool) -> NDArray[np.uint8]:
    """One image as RGB, shape (3, size, size). Raises ValueError or an error of Pillow if it is not an image."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError(f"it claims {image.width} x {image.height} pixels")
        pixels = image.convert("RGB")
    if fit:
        pixels = ImageOps.fit(pixels, (size, size), Image.Resampling.BICUBIC)
    if pixels.size != (size, size):
        raise ValueError(f"it has {pixels.width} x {pixels.height} pixels, not {size} x {size}")
    return np.asarray(pixels).transpose(2, 0, 1)


def _decode_all(
    listing: Listing, order: NDArray[np.int64], size: int, fit: bool, name: str
) -> NDArray[np.uint8]:
    names = [listing.names[index] for index in order]
    row_of = {image: row for row, image in enumerate(names)}
    pixels = np.empty((len(names), 3, size, size), np.uint8)
    print(f"decoding {name}: {len(names):,} images (only at the first launch)", file=sys.stderr)
    decode_one = partial(_decode_named, listing.tree, size, fit)
    with (
        progress(f"decoding {name}", len(names)) as advance,
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads,
    ):
        for chunk in _chunks(listing.tree.contents(names)):
            large = sum(len(content) for _, content in chunk) > _THREADED_BYTES * len(chunk)
            images = threads.map(decode_one, chunk) if large else map(decode_one, chunk)
            for (image, _), decoded in zip(chunk, images, strict=True):
                pixels[row_of[image]] = decoded
            advance(len(chunk))
    return pixels


def _decode_named(tree: Tree, size: int, fit: bool, named: tuple[str, bytes]) -> NDArray[np.uint8]:
    name, content = named
    try:
        return decode(content, size, fit=fit)
    except _UNDECODABLE as error:
        raise DataError(
            f"{tree.path}: {name!r} can't be read as an image ({error}). Remove it, or replace it with an intact copy."
        ) from error


def _chunks(contents: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    while chunk := list(itertools.islice(contents, _CHUNK)):
        yield chunk


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:5]) + (", …" if len(words) > 5 else "")
