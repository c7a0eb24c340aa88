"""What a trial tells after each round of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round took. Never compared: it differs from run to run. The rows a second are None where nobody counts."""

    seconds: float
    train_rows_per_second: float | None
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The state of a trial after `index` rounds (the first is 1).

    Only `valid_score`, the metric that a study optimises, is always there. What the training does not tell is None.

    Losses are means over rows; of our own tasks, in nats. `train_*` and `valid_*` are both taken in evaluation mode:
    `valid_*` over the whole validation split, `train_*` over a fixed sample of training rows of the same size, so
    that the two can be compared. `running_loss` is the mean of what the optimiser saw during the round, dropout on and
    weights changing.

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
    extra: further numbers by name, which are kept and shown, and judged by nothing.
    """

    index: int
    train_loss: float | None = None
    train_score: float | None = None
    valid_loss: float | None = None
    valid_score: float
    running_loss: float | None = None
    valid_score_batch_statistics: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    first_layer_gradient_norm: float | None = None
    dead_share: float | None = None
    saturated_share: float | None = None
    extra: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None

    def figures(self) -> dict[str, float | int | None]:
        """Everything that replay compares: all but the cost, the extra numbers after the named ones."""
        return {**{name: getattr(self, name) for name in FIGURES}, **self.extra}

    @classmethod
    def from_figures(cls, figures: Mapping[str, Any]) -> Round:
        """The round that `figures` came from, without its cost. Raises KeyError where a named figure is not there."""
        extra = {name: value for name, value in figures.items() if name not in RESERVED}
        return cls(**{name: figures[name] for name in FIGURES}, extra=extra)


FIGURES: tuple[str, ...] = tuple(each.name for each in fields(Round) if each.name not in ("extra", "cost"))
COSTS: tuple[str, ...] = tuple(each.name for each in fields(Cost))
# What an extra number can't be called: the columns of a stored round.
RESERVED: frozenset[str] = frozenset({*FIGURES, *COSTS, "extra", "study_id", "trial"})
