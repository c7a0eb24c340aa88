"""How long the signs of the rule `onset` must last before it halts a trial."""

from __future__ import annotations

from dataclasses import dataclass

Evidence = dict[str, float | int | str]


@dataclass(frozen=True)
class Guards:
    """How long each sign must last before the trial is halted, as shares of the budget.

    overfitting: time without a gain in the score, once the validation loss rises. plateau: time without a gain in score
    or loss. not_learning: time from the start. collapsed: time below half of the score's gain; 3 rounds suffice if many
    units are dead.
    """

    overfitting: float = 0.125
    plateau: float = 0.4
    not_learning: float = 0.3
    collapsed: float = 0.1


DEFAULT = Guards()
