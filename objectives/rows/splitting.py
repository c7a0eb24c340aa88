"""Splits that are stratified, do not overlap, and are the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from objectives.errors import DataError
from objectives.rows.rows import Rows, Splits

SPLIT_SEED = 20_250_101  # part of every data set's definition: another seed gives other data sets


def stratified_split(
    labels: NDArray[np.integer], shares: Sequence[float], seed: int = SPLIT_SEED
) -> list[NDArray[np.int64]]:
    """Sorted row indices of parts with the given `shares` of the rows, each class in proportion.

    `shares` sum to 1. Within a class, sizes are rounded so that the parts together hold each row once.
    """
    if abs(sum(shares) - 1.0) > 1e-9:
        raise ValueError(f"shares sum to {sum(shares)}, not 1")
    generator = np.random.Generator(np.random.PCG64(seed))
    parts: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        bounds = np.rint(np.cumsum([0.0, *shares]) * len(rows)).astype(int)
        for part, start, end in zip(parts, bounds, bounds[1:], strict=False):
            part.append(rows[start:end])
    return [np.sort(np.concatenate(part)) for part in parts]


def stratified_part(labels: NDArray[np.integer], count: int, seed: int = SPLIT_SEED) -> NDArray[np.int64]:
    """Sorted indices of exactly `count` rows, each class in proportion (by largest remainders)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    classes, sizes = np.unique(labels, return_counts=True)
    taken, remainders = np.divmod(sizes * count, len(labels))
    taken[np.argsort(-remainders, kind="stable")[: count - taken.sum()]] += 1
    permuted = [generator.permutation(np.flatnonzero(labels == label)) for label in classes]
    return np.sort(np.concatenate([rows[:size] for rows, size in zip(permuted, taken, strict=True)]))


def check_labels(labels: NDArray[np.integer], count: int, source: str) -> None:
    """Raises DataError, with `source`, unless every label is one of the classes 0 … count - 1."""
    if len(outside := labels[(labels < 0) | (labels >= count)]):
        raise DataError(
            f"{source} has the label {outside[0]}, but labels must be 0 to {count - 1}. Remove the file, and "
            "launch again."
        )


def splits_of(name: str, train: Rows, valid: Rows) -> Splits:
    """Splits of a data set called `name`, with the digest of their rows."""
    return Splits(name, train, valid, digest_rows(train, valid))


def digest_rows(*splits: Rows) -> str:
    """SHA-256 over the rows of the splits, in order, with their types and shapes."""
    return digest_tensors(tensor for rows in splits for tensor in (rows.inputs, rows.targets))


def digest_tensors(tensors: Iterable[Tensor]) -> str:
    """SHA-256 over dense tensors, in order, with their types and shapes."""
    digest = hashlib.sha256()
    for tensor in tensors:
        array = tensor.contiguous().numpy()
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
