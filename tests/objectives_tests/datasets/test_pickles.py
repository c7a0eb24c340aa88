"""Pickles as data: arrays come out, and nothing that they ask to run has run."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectives.datasets.pickles import read_pickle
from objectives.errors import DataError
from tests.objectives_tests.datasets.small_images import batch_pickle

IMAGES = np.arange(6144, dtype=np.uint16).astype(np.uint8).reshape(2, 3072)
WHOLE = batch_pickle(IMAGES, [3, 8])


class Runs:
    """Pickled, it asks for `call(*arguments)` to be run where it is read."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.made_of = call, arguments

    def __reduce__(self) -> Any:
        return self.made_of


def test_a_dictionary_of_python_2_comes_out_with_its_array() -> None:
    batch = read_pickle(WHOLE, "batch")
    assert list(batch) == [b"labels", b"data"]
    assert batch[b"labels"] == [3, 8]
    assert batch[b"data"].dtype == np.uint8
    assert np.array_equal(batch[b"data"], IMAGES)


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_pickle_is_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "was_here"
    for evil in (Runs(subprocess.call, ["touch", str(marker)]), Runs(eval, f"open({str(marker)!r}, 'w')")):
        content = pickle.dumps([7, evil], protocol)
        with pytest.raises(
            DataError, match=r"batch asks for '\w+\.(call|eval)', which a data file never needs"
        ):
            read_pickle(content, "batch")
    assert not marker.exists()
    pickle.loads(content)
    assert marker.exists()  # it would have run


def test_names_within_known_modules_are_not_known_by_that() -> None:
    with pytest.raises(DataError, match=r"asks for 'numpy\.load'"):
        read_pickle(pickle.dumps(np.load), "batch")


@pytest.mark.parametrize("length", range(0, len(WHOLE) - 1, 123))
def test_a_pickle_cut_short_anywhere_is_told(length: int) -> None:
    with pytest.raises(DataError, match="batch is damaged or cut short"):
        read_pickle(WHOLE[:length], "batch")
