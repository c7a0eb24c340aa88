"""Parts of splits: the same rows every time, each class in proportion, none twice."""

from __future__ import annotations

import pytest
import torch

from objectives.errors import DataError
from objectives.rows.rows import Rows, Splits
from objectives.rows.subsets import at_most, fold_of, joined, part_of


def numbered(count: int, first: int = 0) -> Rows:
    """Rows whose input is their number, of three classes, the third rare."""
    numbers = torch.arange(first, first + count)
    return Rows(numbers.double(), torch.where(numbers % 10 == 9, 2, numbers % 2))


SPLITS = Splits("numbers", numbered(200), numbered(100, first=200), "digest")


def test_a_part_has_its_share_of_every_class_in_both_splits() -> None:
    part = part_of(SPLITS, 0.5)
    for rows, whole in ((part.train, SPLITS.train), (part.valid, SPLITS.valid)):
        assert (rows.targets.bincount() * 2).tolist() == whole.targets.bincount().tolist()
        assert set(rows.inputs.tolist()) <= set(whole.inputs.tolist())
    assert part.digest != SPLITS.digest
    assert torch.equal(part_of(SPLITS, 0.5).train.inputs, part.train.inputs)


def test_at_most_so_many_rows_are_kept_each_class_in_proportion_and_the_other_split_as_it_is() -> None:
    few = at_most(SPLITS, train=50)
    assert few.train.targets.bincount().tolist() == [25, 20, 5]
    assert set(few.train.inputs.tolist()) <= set(SPLITS.train.inputs.tolist())
    assert few.valid is SPLITS.valid
    assert torch.equal(at_most(SPLITS, train=50).train.inputs, few.train.inputs)
    assert at_most(SPLITS, train=200, valid=1000) == SPLITS
    digests = {
        at_most(SPLITS, train=train, valid=valid).digest
        for train in (None, 50, 60)
        for valid in (None, 50, 60)
    }
    assert len(digests) == 9


@pytest.mark.parametrize("num_folds", [2, 3, 5])
def test_every_row_validates_in_one_fold_and_trains_in_the_others(num_folds: int) -> None:
    folds = [fold_of(SPLITS, fold, num_folds) for fold in range(num_folds)]
    validated = torch.cat([fold.valid.inputs for fold in folds])
    assert sorted(validated.tolist()) == list(range(300))
    for fold in folds:
        assert not set(fold.train.inputs.tolist()) & set(fold.valid.inputs.tolist())
        assert len(fold.train) + len(fold.valid) == 300
        assert (fold.valid.targets == 2).sum() == pytest.approx(30 / num_folds, abs=1)


def test_targets_that_are_no_classes_are_split_all_the_same() -> None:
    rows = Rows(torch.arange(60.0), torch.arange(60.0))
    splits = Splits("values", rows[:40], rows[40:], "digest")
    assert len(part_of(splits, 0.5).train) == 20
    assert len(fold_of(splits, 1, 3).valid) == 20


def test_joined_rows_stay_aligned() -> None:
    rows = joined(SPLITS.train, SPLITS.valid)
    assert torch.equal(rows.targets, numbered(300).targets)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 49, 51, 99, 199])
def test_at_most_so_many_rows_are_exactly_so_many(most: int) -> None:
    few = at_most(SPLITS, train=most)
    assert len(few.train) == most
    exact = SPLITS.train.targets.bincount(minlength=3) * most / 200
    assert (few.train.targets.bincount(minlength=3) - exact).abs().max() < 1


def test_parts_and_folds_without_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"0.001 of numbers would be 0 training and 0 validation rows"):
        part_of(SPLITS, 0.001)
    with pytest.raises(DataError, match="300 rows of numbers are too few for 290 folds"):
        fold_of(SPLITS, 0, 290)


def test_a_class_that_would_be_missing_from_a_fold_is_named() -> None:
    with pytest.raises(
        DataError, match=r"Class 2 of numbers has only 30 rows, .* one of 40 folds. Use at most 30"
    ):
        fold_of(SPLITS, 0, 40)
    one = Splits("few", numbered(12), numbered(4), "digest")
    with pytest.raises(
        DataError, match=r"Class 2 of few has only 1 row, .* Remove that row, or use no folds."
    ):
        fold_of(one, 0, 2)
