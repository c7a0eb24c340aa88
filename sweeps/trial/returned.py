"""The event that the user's code has ended its training before a stop rule or the last round ended it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Returned:
    """The training ended by itself.

    value: what an Optuna objective returned; None if the best round counts. is_pruned: whether the objective raised
    TrialPruned. attributes: what the user's code notes with the trial.
    """

    value: float | None = None
    is_pruned: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
