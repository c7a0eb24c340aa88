"""What is told of code that ends by itself, without having been told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Returned:
    """The training ended by itself. value: what an Optuna objective returned; None where the best round counts.

    is_pruned: it raised TrialPruned.
    """

    value: float | None = None
    is_pruned: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
