"""Reads pickles of the Planetoid layout (Yang, Cohen and Salakhutdinov 2016) without running code in them.

The published files were pickled by Python 2. They use six names of numpy, scipy and Python. Our own constructors, which
take plain numbers, replace these; all other names are refused.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectives.errors import DataError


def read_matrix(content: bytes, path: Path) -> NDArray[Any]:
    """A pickled array or sparse matrix, as a dense array. Raises DataError, with `path`, if it is neither."""
    found = _unpickle(content, path)
    if not isinstance(found, _Array | _SparseMatrix):
        raise DataError(f"{path} contains no matrix.")
    return found.values


def read_neighbours(content: bytes, path: Path) -> dict[int, list[int]]:
    """A pickled graph: the neighbours of each node. Raises DataError, with `path`, if it is not a graph."""
    found = _unpickle(content, path)
    if not isinstance(found, dict) or not all(
        isinstance(node, int) and isinstance(others, list) and all(isinstance(each, int) for each in others)
        for node, others in found.items()
    ):
        raise DataError(f"{path} contains no graph.")
    return found


def _unpickle(content: bytes, path: Path) -> Any:
    try:
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # what a damaged pickle raises depends on the damage
        raise DataError(
            f"{path} is not a pickle of plain numbers ({error}). Remove it and launch again to download it."
        ) from error


class _Array:
    """Replaces numpy's array."""

    values: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_column, content = state
        flat = np.frombuffer(content.encode("latin1"), kind.dtype)
        self.values = flat.reshape(shape, order="F" if by_column else "C")


class _NumberType:
    """Replaces numpy's dtype."""

    _KNOWN = ("i4", "i8", "f4", "f8")

    def __init__(self, name: str, *_: Any) -> None:
        if name not in self._KNOWN:
            raise pickle.UnpicklingError(f"numbers of type {name}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _SparseMatrix:
    """Replaces scipy's csr_matrix."""

    values: NDArray[Any]

    def __setstate__(self, state: dict[str, Any]) -> None:
        starts, columns, data = (state[name].values for name in ("indptr", "indices", "data"))
        num_rows = len(starts) - 1
        self.values = np.zeros((num_rows, state["_shape"][1]), data.dtype)
        self.values[np.repeat(np.arange(num_rows), np.diff(starts)), columns] = data


def _array(*_: Any) -> _Array:
    return _Array()


def _mapping(*_: Any) -> dict[Any, Any]:
    return {}


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _NumberType,
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("scipy.sparse.csr", "csr_matrix"): _SparseMatrix,
    ("collections", "defaultdict"): _mapping,
    ("__builtin__", "list"): list,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]
