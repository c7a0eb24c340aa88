"""What samplers see of finished trials, and which trials they see in a long study.

The cost of a sampler grows with the number of trials that it sees: in proportion for TPE, faster for a Gaussian
process. So in a long study a sampler sees only the best and the latest trials. This choice depends only on results.
"""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Proposal:
    """The searched parameters of a trial, and the attributes that its sampler stored with it.

    part: the number of its configuration, and which of its trials this is, from 0; None if each configuration has one.
    hopeless: why earlier folds of its configuration show that it need not be trained; empty if it must be. added: the
    id of the request by which a user added it; None for others.
    """

    chosen: dict[str, Any]
    sampler_attributes: dict[str, Any] = field(default_factory=dict)
    part: tuple[int, int] | None = None
    hopeless: str = ""
    added: int | None = None


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


def together(outcomes: Sequence[Finished]) -> Finished:
    """The outcome of a configuration, from those of its trials.

    If all trials are complete, it is complete, with their mean. Else it counts as pruned, with the mean of the trials
    that have a value, after as many rounds as there are such trials. Without any value, it has failed.
    """
    values = [each.value for each in outcomes if each.value is not None]
    if not values:
        return Finished("FAIL", None)
    mean = statistics.fmean(values)
    if all(each.state == "COMPLETE" for each in outcomes):
        return Finished("COMPLETE", mean)
    return Finished("PRUNED", mean, (len(values), mean))


@dataclass(frozen=True)
class Bound:
    """How many of the best completed trials and of the latest trials are visible. They are chosen every `step` trials.

    A trial that is not chosen once is never chosen later. So the result is the same if the choice is made step by step,
    or at once when a study is resumed.
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
