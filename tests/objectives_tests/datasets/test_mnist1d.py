"""MNIST-1D is made on the spot, the same each time, and leaves no trace in the process."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from objectives.datasets import mnist1d
from objectives.errors import MissingDataError
from objectives.rows.rows import Rows, Splits


@pytest.fixture(scope="module")
def splits() -> Splits:
    return mnist1d.load_mnist1d()


def test_rows_are_sequences_of_forty_numbers(splits: Splits) -> None:
    assert splits.train.inputs.shape == (3400, 40)
    assert (splits.train.inputs.dtype, splits.train.targets.dtype) == (torch.float32, torch.int64)
    every = torch.cat([splits.train.inputs, splits.valid.inputs])
    assert every.std().item() == pytest.approx(1.0, abs=0.02)


def test_validation_is_fifteen_percent_of_each_class(splits: Splits) -> None:
    whole = torch.bincount(torch.cat([splits.train.targets, splits.valid.targets])).double()
    assert (torch.bincount(splits.valid.targets) - 0.15 * whole).abs().max() <= 0.5


def _sequences(rows: Rows) -> set[bytes]:
    return {row.numpy().tobytes() for row in rows.inputs}


def test_the_test_rows_are_sealed_and_the_global_generators_go_on_where_they_were(splits: Splits) -> None:
    random.seed(5), np.random.seed(5)
    before = random.getstate(), repr(np.random.get_state())
    test = mnist1d.load_mnist1d_test()
    assert (random.getstate(), repr(np.random.get_state())) == before
    parts = [_sequences(rows) for rows in (splits.train, splits.valid, test)]
    assert [len(part) for part in parts] == [3400, 600, 1000]
    assert len(set().union(*parts)) == 5000  # none twice: so none is in two parts


def test_it_is_the_same_whatever_the_global_generators_were(splits: Splits) -> None:
    np.random.seed(77)
    assert mnist1d.load_mnist1d().digest == splits.digest


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not mnist1d.is_present()
    with pytest.raises(MissingDataError, match="pip install mnist1d"):
        mnist1d.load_mnist1d()
