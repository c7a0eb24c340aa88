"""What has become of trials, as far as samplers look at it, and how much of that they see in a long study.

A sampler's cost grows with the trials it sees: TPE's in proportion, a Gaussian process's by more. So past some
size it sees the best of the finished trials and the latest, a choice that depends on nothing but their outcomes.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Proposal:
    """The searched parameters of a trial, and what its sampler wants to remember of it."""

    chosen: dict[str, Any]
    sampler_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """As much of a finished trial as samplers look at. last_round: (round, metric), for pruned ones."""

    state: str
    value: float | None
    last_round: tuple[int, float] | None = None

    @property
    def completed_value(self) -> float | None:
        """The value of a completed trial; None for others."""
        return self.value if self.state == "COMPLETE" else None


@dataclass(frozen=True)
class Bound:
    """So many of the `best` completed trials and of the `latest` are seen, chosen anew every `step` trials.

    What is not chosen is never chosen later: of trials so far and new ones the choice is the same as of those
    chosen so far and new ones. So it may be made step by step, or once on resume.
    """

    best: int
    latest: int
    step: int

    def since(self, num_finished: int) -> int:
        """The trial from which on all are seen, when 0 … num_finished - 1 are finished; 0 in a short study.

        It moves by whole steps, so that what the sampler works on is not built anew for each trial.
        """
        since = num_finished - num_finished % self.step
        return since if since > self.best + self.latest else 0

    def chosen(self, values: Mapping[int, float | None], direction: str) -> list[int]:
        """Of finished trials, the numbers of those that stay to be seen, in order.

        values: by number, of completed trials; None for others. Of equal values the lower number is better.
        """
        sign = -1.0 if direction == "maximize" else 1.0
        complete = ((sign * value, number) for number, value in values.items() if value is not None)
        best = (number for _, number in heapq.nsmallest(self.best, complete))
        return sorted({*best, *heapq.nlargest(self.latest, values)})


NOTHING = Bound(best=0, latest=0, step=100)  # for who does not learn from trials
