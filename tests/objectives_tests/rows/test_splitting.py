"""Splits: complete, without overlap, each class in proportion, the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from objectives.rows.rows import Rows
from objectives.rows.splitting import digest_rows, stratified_split

shares = st.sampled_from([(1.0,), (0.85, 0.15), (0.7, 0.15, 0.15), (0.5, 0.25, 0.125, 0.125)])
labels = st.lists(st.integers(0, 4), min_size=1, max_size=120).map(np.array)


@given(labels, shares, st.integers(0, 5))
def test_every_row_is_in_exactly_one_part(labels: np.ndarray, shares: tuple[float, ...], seed: int) -> None:
    parts = stratified_split(labels, shares, seed)
    assert len(parts) == len(shares)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    assert all((np.diff(part) > 0).all() for part in parts)


@given(labels, shares)
def test_each_class_is_in_proportion(labels: np.ndarray, shares: tuple[float, ...]) -> None:
    for part, share in zip(stratified_split(labels, shares), shares, strict=True):
        for label in np.unique(labels):
            whole, taken = np.sum(labels == label), np.sum(labels[part] == label)
            assert abs(taken - share * whole) <= 1


def test_a_split_is_part_of_a_data_sets_definition() -> None:
    train, valid = stratified_split(np.arange(40) % 4, (0.8, 0.2))
    assert valid.tolist() == [3, 4, 8, 13, 14, 19, 25, 26]
    assert len(train) == 32


def test_another_seed_is_another_split() -> None:
    one, other = (stratified_split(np.zeros(100), (0.5, 0.5), seed)[0] for seed in (1, 2))
    assert one.tolist() != other.tolist()


def test_shares_that_leave_rows_out_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shares sum to 0\.75, not 1"):
        stratified_split(np.zeros(10), (0.5, 0.25))


def test_a_digest_tells_any_change_of_rows() -> None:
    inputs, targets = torch.arange(12).reshape(4, 3), torch.arange(4)
    rows = Rows(inputs, targets)
    others = [
        (Rows(inputs.flip(0), targets.flip(0)), rows),  # another order
        (Rows(inputs, targets.flip(0)), rows),  # other targets
        (Rows(inputs.int(), targets), rows),  # another type
        (Rows(inputs.reshape(4, 3, 1), targets), rows),  # another shape
        (rows[:3], rows[3:]),  # other splits of the same rows
        (rows, rows[:3]),
    ]
    digests = [digest_rows(*splits) for splits in [(rows, rows), *others]]
    assert len(set(digests)) == len(digests)
    assert digest_rows(Rows(inputs.T.clone().T, targets), rows) == digests[0]  # not how they lie in memory


def test_inputs_and_targets_must_be_aligned() -> None:
    with pytest.raises(ValueError, match="3 inputs for 4 targets"):
        Rows(torch.zeros(3, 2), torch.zeros(4))
