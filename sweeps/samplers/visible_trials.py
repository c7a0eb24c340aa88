"""What samplers see of finished trials, and which trials they see in a long study.

The cost of a sampler grows with the number of trials that it sees: in proportion for TPE, faster for a Gaussian
process. So in a long study a sampler sees only the best and the latest trials. This choice depends only on results.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Proposal:
    """The searched parameters of a trial, and the attributes that its sampler stored with it."""

    chosen: dict[str, Any]
    sampler_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """The part of a finished trial that samplers use. last_round: (round, metric) of a pruned trial."""

    state: str
    value: float | None
    last_round: tuple[int, float] | None = None

    @property
    def completed_value(self) -> float | None:
        """The value of a completed trial; None for any other trial."""
        return self.value if self.state == "COMPLETE" else None


@dataclass(frozen=True)
class Bound:
    """How many of the best completed trials and of the latest trials are visible; chosen again every `step` trials.

    A trial that is not chosen is never chosen later. So the choice may be made step by step, or at once on resume:
    the result is the same.
    """

    best: int
    latest: int
    step: int

    def since(self, num_finished: int) -> int:
        """All trials from this number on are visible, if 0 … num_finished - 1 are finished; 0 in a short study.

        It moves by whole steps, so the sampler's study need not be rebuilt for each trial.
        """
        since = num_finished - num_finished % self.step
        return since if since > self.best + self.latest else 0

    def chosen(self, values: Mapping[int, float | None], direction: str) -> list[int]:
        """The numbers of the finished trials that stay visible, in order.

        values: the value of each trial by number; None if it is not complete. Of equal values, the lower number wins.
        """
        sign = -1.0 if direction == "maximize" else 1.0
        complete = ((sign * value, number) for number, value in values.items() if value is not None)
        best = (number for _, number in heapq.nsmallest(self.best, complete))
        return sorted({*best, *heapq.nlargest(self.latest, values)})


NOTHING = Bound(best=0, latest=0, step=100)  # for samplers that do not learn from trials
