"""MNIST-1D (Greydanus and Kobak 2020): ten shapes as sequences of 40 numbers, shifted, sheared and noisy.

The package `mnist1d` makes them without a download: 4,000 sequences, of which 15 % of each class are for
validation, and 1,000 for the test. Sequences are float32, shape (rows, 40); labels int64.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from objectives.errors import MissingDataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import digest_rows, stratified_split


def load_mnist1d() -> Splits:
    """Training and validation rows. Raises MissingDataError without the package `mnist1d`."""
    made = _made()
    sequences, labels = made["x"], made["y"]
    train, valid = stratified_split(labels, (0.85, 0.15))
    train_rows, valid_rows = (_rows(sequences[part], labels[part]) for part in (train, valid))
    return Splits("mnist1d", train_rows, valid_rows, digest_rows(train_rows, valid_rows))


def load_mnist1d_test() -> Rows:
    """The test rows; raises MissingDataError as `load_mnist1d` does."""
    made = _made()
    return _rows(made["x_test"], made["y_test"])


def is_present() -> bool:
    """Whether the package is installed. It is not imported."""
    return importlib.util.find_spec("mnist1d") is not None


def _rows(sequences: NDArray[np.float64], labels: NDArray[np.integer]) -> Rows:
    return Rows(torch.from_numpy(sequences.astype(np.float32)), torch.from_numpy(labels.astype(np.int64)))


def _made() -> dict[str, Any]:
    if not is_present():
        raise MissingDataError(
            "mnist1d is made by the package mnist1d, which is not installed: pip install mnist1d."
        )
    return _made_once()


@functools.cache
def _made_once() -> dict[str, Any]:
    """The arrays that the package makes, which takes some seconds. A caller must copy an array before changing it."""
    from mnist1d.data import make_dataset  # also imports its plotting, which takes a second

    with _global_generators_kept():
        made: dict[str, Any] = make_dataset()
    return made


@contextlib.contextmanager
def _global_generators_kept() -> Iterator[None]:
    """Restore the global random generators of Python and numpy at the end of this context."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
