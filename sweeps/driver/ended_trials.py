"""The trials that have ended, and the table of trials, whose order does not depend on the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from storage.configurations import Part
from storage.outcomes import Outcome, reaches
from sweeps.driver.leaders import Leaders
from sweeps.samplers.visible_trials import Finished
from sweeps.study.specification import Specification


class EndedTrials:
    """Collects how the trials of a study ended; they may end in any order.

    part_of: gives the configuration and repeat of a trial. target: the table ends with the first trial that reaches it.
    """

    def __init__(self, spec: Specification, part_of: Callable[[int], Part], target: float | None) -> None:
        self._direction = spec.metric.direction
        self._target = target
        self._by_number: dict[int, Outcome] = {}
        self._table: list[Outcome] = []
        self._leaders = Leaders(spec, part_of, 1)

    def add(self, outcome: Outcome, num_leading: int) -> None:
        """Record how a trial has ended. num_leading: how many of the trials 0, 1, 2 … have ended, without a gap."""
        self._by_number[outcome.number] = outcome
        while len(self._table) < num_leading and not self.target_reached:
            latest = self._by_number[len(self._table)]
            self._table.append(latest)
            self._leaders.add(latest)

    @property
    def by_number(self) -> Mapping[int, Outcome]:
        """All ended trials by their number, also those that are not in the table yet."""
        return self._by_number

    @property
    def table(self) -> Sequence[Outcome]:
        """The longest sequence of trials 0 … m that have all ended; with a target, up to the first that reaches it."""
        return self._table

    @property
    def best(self) -> Outcome | None:
        """The best trial of the table. If configurations have several trials: the one of the best mean."""
        return next(iter(self._leaders.trials), None)

    @property
    def target_reached(self) -> bool:
        """Whether the table ends with a trial that reaches the target."""
        if self._target is None or not self._table:
            return False
        return reaches(self._table[-1], self._target, self._direction)


def shown_to_sampler(outcome: Outcome, num_rounds: int | None) -> Finished:
    """How a trial ended, in the form for samplers. num_rounds: its rounds; None if no sampler may see the trial."""
    last = None
    if outcome.state == "PRUNED" and outcome.value is not None and num_rounds is not None:
        last = (num_rounds, outcome.value)
    return Finished(outcome.state, outcome.value, last)
