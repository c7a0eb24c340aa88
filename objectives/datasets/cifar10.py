"""CIFAR-10 (Krizhevsky 2009): 32 by 32 colour images, ten classes.

From its public Python archive, or from a folder or tar of images. 10 % of the 50,000 training images, of each
class in proportion, are for validation. Images are uint8, RGB, shape (rows, 3, 32, 32); labels int64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectives.datasets.cache import kept_rows
from objectives.datasets.files import check_published, download
from objectives.datasets.images import DECODER, list_images, read_parts
from objectives.datasets.pickles import read_pickle
from objectives.datasets.trees import Tree, open_tree
from objectives.errors import DataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import SPLIT_SEED, check_labels, stratified_split

SIZE = 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHARES = (0.9, 0.1)
_SOURCE = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_ARCHIVE = "cifar-10-python.tar.gz"
_ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
_BATCHES = "cifar-10-batches-py"
_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_RECIPE = f"shares {_SHARES}, seed {SPLIT_SEED}"


def load_cifar10(root: Path) -> Splits:
    """Training and validation rows: 45,000 and 5,000 of the whole set.

    Raises DataError when the files are missing (and can't be downloaded), cut short or damaged.
    """
    tree = _tree(root)
    kept = kept_rows("cifar10", tree, f"{_RECIPE}, {DECODER}", root, lambda: _search_rows(tree))
    return Splits("cifar10", kept.parts["train"], kept.parts["valid"], kept.digest)


def load_cifar10_test(root: Path) -> Rows:
    """The test rows, 10,000 of the whole set; raises DataError as `load_cifar10` does."""
    tree = _tree(root)
    return kept_rows("cifar10-test", tree, DECODER, root, lambda: _test_rows(tree)).parts["test"]


def is_present(root: Path) -> bool:
    """Whether the files are present. Their content is not checked."""
    return _find(root) is not None


def _find(root: Path) -> Path | None:
    """The published archive is preferred to images, because these may have been encoded again."""
    archives = [root / _ARCHIVE, root / "cifar10" / _ARCHIVE]
    folders = [root / _BATCHES, root / "cifar10" / _BATCHES]
    images = [root / "cifar10-images.tar.gz", root / "cifar10-images.tar"]
    for path in archives:
        if path.is_file():
            return path
    for path in folders:
        if path.is_dir():
            return path
    if (root / "cifar10" / "train").is_dir():
        return root / "cifar10"
    return next((path for path in images if path.is_file()), None)


def _tree(root: Path) -> Tree:
    path = _find(root)
    if path is None:
        path = root / _ARCHIVE
        download(_SOURCE, path, md5=_ARCHIVE_MD5)
    return open_tree(path)


def _is_published(tree: Tree) -> bool:
    return tree.path.name in (_ARCHIVE, _BATCHES)


def _search_rows(tree: Tree) -> Mapping[str, Rows]:
    if _is_published(tree):
        images, labels = _read_batches(tree, [name for name in _MD5 if name != "test_batch"])
        rows = [_rows(images[part], labels[part]) for part in stratified_split(labels, _SHARES)]
    else:
        listing = list_images(tree, "train")
        _check_classes(tree, listing.classes)
        parts = stratified_split(listing.labels, _SHARES)
        rows = read_parts(listing, parts, size=SIZE, fit=False, name="cifar10")
    return dict(zip(("train", "valid"), rows, strict=True))


def _test_rows(tree: Tree) -> Mapping[str, Rows]:
    if _is_published(tree):
        return {"test": _rows(*_read_batches(tree, ["test_batch"]))}
    listing = list_images(tree, "test")
    _check_classes(tree, listing.classes)
    (rows,) = read_parts(listing, [np.arange(len(listing.names))], size=SIZE, fit=False, name="cifar10 test")
    return {"test": rows}


def _check_classes(tree: Tree, classes: Sequence[str]) -> None:
    if classes != CLASSES:
        raise DataError(
            f"{tree.path}: its classes are not CIFAR-10's. Found: {', '.join(classes) or 'none'}. Needed: "
            f"{', '.join(CLASSES)}."
        )


def _rows(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Rows:
    return Rows(torch.from_numpy(images), torch.from_numpy(labels))


def _read_batches(tree: Tree, batches: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    places = {PurePosixPath(name).name: name for name in tree.names()}
    if absent := [batch for batch in batches if batch not in places]:
        raise DataError(f"{tree.path} lacks {', '.join(absent)}. Remove it and launch again to download it.")
    contents = {
        PurePosixPath(name).name: content for name, content in tree.contents(places[b] for b in batches)
    }
    read = [_read_batch(f"{tree.path}: {batch}", contents[batch], _MD5[batch]) for batch in batches]
    return np.concatenate([images for images, _ in read]), np.concatenate([labels for _, labels in read])


def _read_batch(source: str, content: bytes, md5: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A pickled dictionary: `data`, uint8 (rows, 3072), all red, then green, then blue values; the list `labels`."""
    check_published(content, md5, f"{source} is not the published file", _SOURCE, "md5")
    batch: Any = read_pickle(content, source)
    try:
        images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, SIZE, SIZE)
        labels = np.asarray(batch[b"labels"], np.int64)
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{source} contains no CIFAR-10 images ({error!r}).") from error
    if len(images) != len(labels):
        raise DataError(f"{source} contains {len(images)} images but {len(labels)} labels.")
    check_labels(labels, len(CLASSES), source)
    return images, labels
