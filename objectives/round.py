"""The figures that a trial reports after each round of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """The time and memory of a round. They are never compared, because they differ from run to run.

    The rows per second are None if the training does not count rows.
    """

    seconds: float
    train_rows_per_second: float | None
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The state of a trial after `index` rounds (the first is 1).

    Only `valid_score`, the metric that a study optimises, is always there. Figures that the training does not report
    are None.

    Losses are means over rows; those of our own tasks are in nats. `train_*` and `valid_*` are both taken in evaluation
    mode: `valid_*` over the whole validation split, `train_*` over a fixed sample of training rows of the same size, so
    that the two can be compared. `running_loss` is the mean loss of the training batches during the round, with dropout
    and while the weights change.

    valid_score_batch_statistics: the validation score with each batch's own statistics in place of the
        running ones; None if the model has no batch norm.
    learning_rate: that of the round's last step.
    gradient_norm: root mean square, over evenly spaced steps of the round, of the global L2 norm of the
        gradient before clipping.
    first_layer_gradient_norm: the same for the gradient of one weight: the first in `model.parameters()` that is
        trained and has two or more dimensions. (Biases of later layers have a gradient even if none reaches the input.)
        None if there is no such weight.
    dead_share: fraction of rectified units that are zero on every sampled training row, in the layer where
        it is largest; None if no layer is rectified.
    saturated_share: the same for units that are in the flat part of a bounded activation on at least 95 % of the rows.
    extra: further numbers by name. They are stored and shown, but no rule uses them.
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
        """All figures that a replay compares: all but the cost. The extra numbers come last."""
        return {**{name: getattr(self, name) for name in FIGURES}, **self.extra}

    @classmethod
    def from_figures(cls, figures: Mapping[str, Any]) -> Round:
        """The round that has these `figures`, without its cost. Raises KeyError if one of FIGURES is missing."""
        extra = {name: value for name, value in figures.items() if name not in RESERVED}
        return cls(**{name: figures[name] for name in FIGURES}, extra=extra)


FIGURES: tuple[str, ...] = tuple(each.name for each in fields(Round) if each.name not in ("extra", "cost"))
COSTS: tuple[str, ...] = tuple(each.name for each in fields(Cost))
# Names that an extra number can't have, because the table of rounds has columns with these names.
RESERVED: frozenset[str] = frozenset({*FIGURES, *COSTS, "extra", "study_id", "trial"})
