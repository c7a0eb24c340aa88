"""What a trial tells after each round of training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round took. Never compared: it differs from run to run."""

    seconds: float
    train_rows_per_second: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class Round:
    """The state of a trial after `index` rounds (the first is 1).

    Losses are means in nats over rows. Scores are the task's metric. `train_*` and `valid_*` are both
    taken in evaluation mode: `valid_*` over the whole validation split, `train_*` over a fixed sample of
    training rows of the same size, so that the two can be compared. `running_loss` is the mean of what
    the optimiser saw during the round, dropout on and weights changing.

    valid_score_batch_statistics: the validation score with each batch's own statistics in place of the
        running ones; None where the model has no batch norm.
    learning_rate: of the round's last step.
    gradient_norm: root mean square, over evenly spaced steps of the round, of the global L2 norm of the
        gradient before clipping.
    first_layer_gradient_norm: likewise, of the part of the first weight that learns and is no vector (in the order of
        `model.parameters()`): biases of later layers have a gradient even where nothing reaches the input. None where
        there is no such weight.
    dead_share: share of rectified units that are zero on every sampled training row, in the layer where
        it is largest; None where nothing is rectified.
    saturated_share: likewise, units in the flat part of a bounded activation on at least 95 % of the rows.
    """

    index: int
    train_loss: float
    train_score: float
    valid_loss: float
    valid_score: float
    running_loss: float
    valid_score_batch_statistics: float | None
    learning_rate: float
    gradient_norm: float
    first_layer_gradient_norm: float | None
    dead_share: float | None
    saturated_share: float | None
    cost: Cost | None = None

    def figures(self) -> dict[str, float | int | None]:
        """Everything that replay compares: all fields but the cost."""
        record = asdict(self)
        del record["cost"]
        return record

    @classmethod
    def from_figures(cls, figures: dict[str, Any]) -> Round:
        """The round that `figures` came from, without its cost."""
        return cls(**{name: figures[name] for name in FIGURES})


FIGURES: tuple[str, ...] = tuple(field.name for field in fields(Round) if field.name != "cost")
