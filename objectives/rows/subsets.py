"""Parts of splits: a fraction of the rows, or folds. They are the same on every machine."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.errors import DataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import SPLIT_SEED, stratified_part, stratified_split

_MOST_CLASSES = 1000  # more distinct targets are not treated as classes


def part_of(splits: Splits, fraction: float) -> Splits:
    """A fixed random `fraction` (above 0, at most 1) of the rows of both splits, each class in proportion."""
    train, valid = (
        rows[torch.from_numpy(stratified_split(_strata(rows.targets), (fraction, 1.0 - fraction))[0])]
        for rows in (splits.train, splits.valid)
    )
    if not len(train) or not len(valid):
        raise DataError(
            f"{fraction:g} of {splits.name} would be {len(train)} training and {len(valid)} validation rows. Use "
            "a larger fraction."
        )
    return dataclasses.replace(splits, train=train, valid=valid, digest=f"{fraction!r} of {splits.digest}")


def at_most(splits: Splits, *, train: int | None = None, valid: int | None = None) -> Splits:
    """A fixed random part with exactly `most` rows of a larger split, each class in proportion."""
    digest = splits.digest
    kept = {}
    for name, rows, most in (("train", splits.train, train), ("valid", splits.valid, valid)):
        kept[name] = rows
        if most is not None and most < len(rows):
            kept[name] = rows[torch.from_numpy(stratified_part(_strata(rows.targets), most))]
            digest = f"{most} {name} of {digest}"
    return dataclasses.replace(splits, train=kept["train"], valid=kept["valid"], digest=digest)


def fold_of(splits: Splits, fold: int, num_folds: int) -> Splits:
    """Training and validation rows together, divided into `num_folds` parts: part `fold` (from 0) validates."""
    rows = joined(splits.train, splits.valid)
    strata = _strata(rows.targets)
    if 2 * len(np.unique(strata)) > len(strata):  # too many distinct targets to be classes
        strata = np.zeros_like(strata)
    parts = stratified_split(strata, [1.0 / num_folds] * num_folds, SPLIT_SEED)
    if not all(len(part) for part in parts):
        raise DataError(
            f"{len(rows)} rows of {splits.name} are too few for {num_folds} folds. Use fewer folds."
        )
    _check_classes(strata, parts, splits.name)
    valid = torch.from_numpy(parts[fold])
    train = torch.from_numpy(np.sort(np.concatenate(parts[:fold] + parts[fold + 1 :])))
    return dataclasses.replace(splits, train=rows[train], valid=rows[valid])


def _check_classes(strata: NDArray[np.int64], parts: list[NDArray[np.int64]], name: str) -> None:
    """Raises DataError if a class is missing from a fold: then the folds' scores can't be compared."""
    classes, counts = np.unique(strata, return_counts=True)
    for part in parts:
        if len(missing := np.setdiff1d(classes, strata[part])):
            count = int(counts[classes == missing[0]][0])
            remedy = f"Use at most {count} folds." if count > 1 else "Remove that row, or use no folds."
            raise DataError(
                f"Class {missing[0]} of {name} has only {count} row{'s' * (count > 1)}, so it would be missing from "
                f"one of {len(parts)} folds. {remedy}"
            )


def joined(one: Rows, other: Rows) -> Rows:
    """The rows of both, those of `one` first. All other fields are those of `one`."""
    return dataclasses.replace(
        one,
        inputs=torch.cat([one.inputs, other.inputs]),
        targets=torch.cat([one.targets, other.targets]),
    )


def _strata(targets: Tensor) -> NDArray[np.int64]:
    """A label for each row: its class if there are classes, else the same for all rows."""
    array = targets.numpy()
    if array.ndim == 1 and np.issubdtype(array.dtype, np.integer) and len(np.unique(array)) <= _MOST_CLASSES:
        return array.astype(np.int64)
    return np.zeros(len(array), dtype=np.int64)
