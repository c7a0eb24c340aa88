"""Keeps the best trials while the table grows. If configurations have several trials, their means are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from storage.configurations import Configuration, Part, best_first
from storage.outcomes import Outcome, ranking
from sweeps.study.specification import Specification


class Leaders:
    """The best `most` trials of the table. Each step compares only these and the latest trial.

    part_of: gives the configuration and repeat of a trial.
    """

    def __init__(self, spec: Specification, part_of: Callable[[int], Part], most: int) -> None:
        self._direction = spec.metric.direction
        self._each = spec.trials_each
        self._runs_again = spec.sampler == "grid"  # a grid runs a failed cell again
        self._part_of = part_of
        self._most = most
        self._single: list[Outcome] = []
        self._several: list[Configuration[Outcome]] = []
        self._open: dict[int, dict[int, Outcome]] = {}

    def add(self, latest: Outcome) -> None:
        """Add the latest trial of the table. Trials must be added in the order of their numbers."""
        if self._each == 1:
            self._single = ranking([*self._single, latest], self._direction)[: self._most]
            return
        number, repeat = self._part_of(latest.number)
        trials = self._open.setdefault(number, {})
        trials[repeat] = latest
        ended = Configuration(number, tuple(trials[k] for k in sorted(trials)), self._each)
        if ended.is_complete:
            self._several = best_first([*self._several, ended], self._direction)[: self._most]
        if len(trials) == self._each and not (self._runs_again and _has_failed(ended)):
            del self._open[number]

    @property
    def trials(self) -> list[Outcome]:
        """The best trials, the best first: one for each configuration, with its mean as the value."""
        return self._single or [
            replace(each.best_trial(self._direction), value=each.mean) for each in self._several
        ]

    @property
    def unfinished(self) -> set[int]:
        """Trials of configurations that may still become complete."""
        return {trial.number for trials in self._open.values() for trial in trials.values()}


def _has_failed(configuration: Configuration[Outcome]) -> bool:
    return any(trial.state == "FAIL" for trial in configuration.trials)
