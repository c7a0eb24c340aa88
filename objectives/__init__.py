"""Tasks, their data sets, and the training loop that they share.

This package uses neither Optuna, Ray nor a database. It imports torch only when a model is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from objectives.errors import DataError, ObjectiveError, UnknownTaskError
from objectives.parameters.training import TrainingParameters
from objectives.round import Cost, Round
from objectives.rows.rows import Rows, Splits
from objectives.task import Task

if TYPE_CHECKING:
    from objectives.exported_model import load_model as load_model
    from objectives.rows.splitting import splits_of as splits_of

__all__ = [
    "Cost",
    "DataError",
    "ObjectiveError",
    "Round",
    "Rows",
    "Splits",
    "Task",
    "TrainingParameters",
    "UnknownTaskError",
    "load_model",
    "splits_of",
]


def __getattr__(name: str) -> Any:
    if name == "load_model":  # needs torch, so it is imported at its first use
        from objectives.exported_model import load_model

        return load_model
    if name == "splits_of":
        from objectives.rows.splitting import splits_of

        return splits_of
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
