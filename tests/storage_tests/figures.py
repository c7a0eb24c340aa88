"""Rounds to store."""

from __future__ import annotations

from typing import Any

from storage import Database
from storage.rounds import add_round

OPTIONAL = (
    *("train_loss", "train_score", "valid_loss", "running_loss", "learning_rate", "gradient_norm"),
    *("valid_score_batch_statistics", "first_layer_gradient_norm", "dead_share", "saturated_share"),
)
FIGURES = ("valid_score", *OPTIONAL)
COST = ("seconds", "train_rows_per_second", "peak_memory_bytes")


def store_round(database: Database, study_id: int, trial: int, index: int, **figures: Any) -> None:
    """A round in which every figure is 0.5 but for those given."""
    record = {"index": index, **dict.fromkeys(FIGURES, 0.5), **dict.fromkeys(COST, 1.0), **figures}
    cost = {name: record.pop(name) for name in COST}
    with database.engine.begin() as connection:
        add_round(connection, study_id, trial, record, cost)
