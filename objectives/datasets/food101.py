"""ETH Food-101 (Bossard, Guillaumin and Van Gool 2014): photographs of 101 dishes.

From its public layout, or from a folder or tar of images of any size. Each image is scaled so that its shorter side has
64 pixels, and cropped to the middle 64 by 64. 15 % of the training images of each class are for validation.
Images are uint8, RGB, shape (rows, 3, 64, 64); labels int64, classes in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from objectives.datasets.cache import kept_rows
from objectives.datasets.files import digest_of_file, download
from objectives.datasets.images import DECODER, PARTS, Listing, list_images, read_parts
from objectives.datasets.trees import Tree, open_tree
from objectives.errors import DataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import SPLIT_SEED, stratified_split

SIZE = 64
CLASSES = 101
_SHARES = (0.85, 0.15)
_SOURCE = "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"
_ARCHIVE = "food-101.tar.gz"
_ARCHIVE_MD5 = {_ARCHIVE: "85eeb15f3717b99a5da872d97d918f87"}
_CLASSES_FILE = "meta/classes.txt"
_RECIPE = f"{SIZE} pixels, {DECODER}"


def load_food101(root: Path) -> Splits:
    """Training and validation rows: 64,438 and 11,312 of the whole set.

    Raises DataError when the files are missing (and can't be downloaded), cut short or damaged.
    """
    tree = _tree(root)
    recipe = f"{_RECIPE}, shares {_SHARES}, seed {SPLIT_SEED}"
    kept = kept_rows("food101", tree, recipe, root, lambda: _search_rows(tree))
    return Splits("food101", kept.parts["train"], kept.parts["valid"], kept.digest)


def load_food101_test(root: Path) -> Rows:
    """The test rows, 25,250 of the whole set; raises DataError as `load_food101` does."""
    tree = _tree(root)
    return kept_rows("food101-test", tree, _RECIPE, root, lambda: _test_rows(tree)).parts["test"]


def is_present(root: Path) -> bool:
    """Whether the files are present. Their content is not checked."""
    return bool(_find(root))


def _find(root: Path) -> list[Path]:
    """The files that exist. The published set is preferred to others, and a folder to a tar."""
    if (root / _ARCHIVE).is_file():
        return [root / _ARCHIVE]
    if (root / "food-101" / "meta").is_dir():
        return [root / "food-101"]
    if (root / "food101" / "train").is_dir():
        return [root / "food101"]
    return sorted(path for ending in ("tar.gz", "tar") for path in root.glob(f"food101*.{ending}"))


def _tree(root: Path) -> Tree:
    found = _find(root)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"{root} contains several copies of Food-101: {names}. Keep only one of them there.")
    if not found:
        found = [root / _ARCHIVE]
        download(_SOURCE, found[0], md5=_ARCHIVE_MD5[_ARCHIVE])
    return open_tree(found[0])


def _search_rows(tree: Tree) -> Mapping[str, Rows]:
    listing = _list(tree, "train")
    parts = stratified_split(listing.labels, _SHARES)
    train, valid = read_parts(listing, parts, size=SIZE, fit=True, name="food101")
    return {"train": train, "valid": valid}


def _test_rows(tree: Tree) -> Mapping[str, Rows]:
    listing = _list(tree, "test")
    (rows,) = read_parts(listing, [np.arange(len(listing.names))], size=SIZE, fit=True, name="food101 test")
    return {"test": rows}


def _list(tree: Tree, part: str) -> Listing:
    _check_archive(tree)
    is_public = any(name.endswith(_CLASSES_FILE) for name in tree.names())
    listing = _list_public(tree, part) if is_public else list_images(tree, part)
    if len(listing.classes) != CLASSES:
        raise DataError(f"{tree.path} has {len(listing.classes)} classes, but Food-101 has {CLASSES}.")
    return listing


def _check_archive(tree: Tree) -> None:
    published = _ARCHIVE_MD5.get(tree.path.name)
    if published is not None and digest_of_file(tree.path, "md5") != published:
        raise DataError(
            f"{tree.path} is not the published file: its digest differs, so it is damaged or cut short. "
            "Remove it and launch again to download it; if it is your own data set, name it food101-….tar.gz."
        )


def _list_public(tree: Tree, part: str) -> Listing:
    """The published layout: `images/CLASS/ID.jpg`, and `meta/train.txt`, whose lines are `CLASS/ID`."""
    names = set(tree.names())
    tops = (name.removesuffix(_CLASSES_FILE) for name in names if name.endswith(_CLASSES_FILE))
    top = min(tops, key=len)
    classes, *listed = _read_lists(tree, [f"{top}meta/{list_}.txt" for list_ in ("classes", *PARTS)], names)
    if both := sorted(set.intersection(*map(set, listed))):
        raise DataError(f"{tree.path}: {both[0]} is listed for both training and testing.")
    pairs = []
    for line in listed[PARTS.index(part)]:
        label, image = line.partition("/")[0], f"{top}images/{line}.jpg"
        if label not in classes or image not in names:
            raise DataError(
                f"{tree.path}: meta/{part}.txt lists {line!r}, but there is no such image or class."
            )
        pairs.append((label, image))
    return Listing.of(tree, part, pairs, sorted(classes))


def _read_lists(tree: Tree, lists: list[str], names: set[str]) -> list[list[str]]:
    """The lines of each list, read in one pass, because an archive of 5 GB is slow to read."""
    if absent := [name for name in lists if name not in names]:
        raise DataError(f"{tree.path} lacks {', '.join(absent)}.")
    contents = dict(tree.contents(lists))
    try:
        return [contents[name].decode("utf-8").split() for name in lists]
    except UnicodeDecodeError as error:
        raise DataError(f"{tree.path}: a list in its folder meta is not a text file ({error}).") from error
