"""Parameters of the shared loop. A task's own dataclass extends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from objectives.parameters.bounds import check_at_least, check_share

OptimizerName = Literal["sgd", "momentum", "adam", "adamw", "rmsprop"]
ScheduleName = Literal["constant", "step", "exponential", "cosine", "one_cycle"]


@dataclass(frozen=True)
class TrainingParameters:
    """The parameters that every task has, including those of the optimizer. Tasks override the defaults.

    learning_rate: that of the optimizer, before the schedule's factor.
    batch_size: rows in a step; all rows if there are fewer.
    hidden_width: number of units of the hidden layer; each task says which layer that is.
    dropout: probability of dropping a unit.
    batch_norm: whether activations are normalized over the batch.
    bn_momentum: weight of the new batch in batch norm's running statistics, as PyTorch defines it.
    weight_decay: factor of L2 regularisation (decoupled weight decay with adamw).
    gradient_clip: largest global L2 norm of the gradient; None for no limit.
    """

    learning_rate: float = 1e-3
    batch_size: int = 64
    hidden_width: int = 256
    dropout: float = 0.2
    batch_norm: bool = True
    bn_momentum: float = 0.1
    optimizer: OptimizerName = "adam"
    schedule: ScheduleName = "constant"
    weight_decay: float = 0.0
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for values outside their bounds."""
        check_at_least(self, learning_rate=0.0, batch_size=1, hidden_width=1, weight_decay=0.0)
        check_share(self, "dropout", below_one=True)
        check_share(self, "bn_momentum")
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise ValueError(
                f"gradient_clip: {self.gradient_clip:g} is not above 0. Use null to switch clipping off."
            )
