"""Reads pickles that were published as data, without running any code in them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from objectives.errors import DataError

# The names that pickled arrays need. Each version of numpy wrote its own names.
ARRAYS: Mapping[str, Any] = {
    "numpy.core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
}
_DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, MemoryError)


def read_pickle(content: bytes, source: str, known: Mapping[str, Any] = ARRAYS) -> Any:
    """The object in `content`, a pickle that may use only the `known` names ("module.name").

    Text of Python 2 is returned as bytes. source: the pickle's name in errors. Raises DataError if the pickle is
    damaged or uses another name. The code behind that name is not run.
    """
    try:
        return _Unpickler(content, source, known).load()
    except _DAMAGE as error:
        raise DataError(
            f"{source} is damaged or cut short: it is not a complete pickle ({error})."
        ) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, source: str, known: Mapping[str, Any]) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._source = source
        self._known = known

    def find_class(self, module: str, name: str) -> Any:
        wanted = f"{module}.{name}"
        if wanted not in self._known:
            raise DataError(
                f"{self._source} asks for {wanted!r}, which a data file never needs. It was not loaded, and no "
                "code from it was run. Remove it, and download it from its publisher."
            )
        return self._known[wanted]
