"""Which rows a study trains and validates on: the data set's split, part of it, the published rows, or folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from objectives import DataError, Splits, Task
from objectives.errors import ObjectiveError


@dataclass(frozen=True)
class DataPlan:
    """A choice of rows, as it is stored with a study.

    name: the data set. published: whether to use the rows of the task's published results. fraction: the share of each
    split's rows that is used. most_train_rows, most_valid_rows: at most this many rows; None for all. folds: 0 for one
    split; else training and validation rows together are divided into this many parts, and each part validates once.
    """

    name: str
    published: bool = False
    fraction: float = 1.0
    folds: int = 0
    most_train_rows: int | None = None
    most_valid_rows: int | None = None

    def load(self, task: Task, root: Path) -> Splits:
        """The rows before they are divided into folds. Raises DataError; it names the class of a user's own error."""
        from objectives.rows.subsets import at_most, part_of

        try:
            splits = task.load_published(self.name, root) if self.published else task.load(self.name, root)
        except ObjectiveError:
            raise
        except Exception as error:
            raise DataError(
                f"{task.name} could not load its data set {self.name!r}: {type(error).__name__}: {error} "
                "(use --debug to see where)"
            ) from error
        part = splits if self.fraction == 1.0 else part_of(splits, self.fraction)
        return at_most(part, train=self.most_train_rows, valid=self.most_valid_rows)

    def fold(self, task: Task, splits: Splits, repeat: int) -> Splits:
        """The rows of one repeat of a trial; without folds, the splits themselves."""
        return splits if not self.folds else task.fold(splits, repeat % self.folds, self.folds)

    def to_dict(self) -> dict[str, Any]:
        """The record to store, without default values."""
        usual = DataPlan(self.name)
        return {key: value for key, value in asdict(self).items() if value != getattr(usual, key)} | {
            "name": self.name
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> DataPlan:
        """The plan within a stored record of data."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__ if name in record})
