"""Rows and splits: the form in which a task gets its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Aligned rows of a split: `inputs[i]` belongs to `targets[i]`."""

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs for {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Tensor | slice) -> Rows:
        return Rows(self.inputs[index], self.targets[index])

    def to(self, device: torch.device) -> Rows:
        """The same rows on `device`."""
        return Rows(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Splits:
    """The splits of a data set that a search may see. The test split is loaded by `Task.load_test`.

    digest: SHA-256 of the rows of both splits, in order; it is part of a study's fingerprint.
    """

    name: str
    train: Rows
    valid: Rows
    digest: str
