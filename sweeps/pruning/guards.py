"""How long the signs of the rule `onset` must last before it halts a trial."""

from __future__ import annotations

from dataclasses import dataclass

Evidence = dict[str, float | int | str]


@dataclass(frozen=True)
class Guards:
    """How long each rule waits, as shares of the budget.

    overfitting: without a gain in the score, once the loss has turned. plateau: without a gain in score or loss.
    not_learning: from the start. collapsed: below half of what was learnt; 3 rounds suffice where dead units tell.
    """

    overfitting: float = 0.125
    plateau: float = 0.4
    not_learning: float = 0.3
    collapsed: float = 0.1


DEFAULT = Guards()
