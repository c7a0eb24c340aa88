"""Configurations that are trained several times (from several seeds, or over folds): their trials and their mean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from storage.outcomes import AnyOutcome

Part = tuple[int, int]  # number of a configuration, and which of its repeats, both from 0


@dataclass(frozen=True)
class Configuration(Generic[AnyOutcome]):
    """The finished trials of one configuration, in the order of its repeats.

    number: from 0, in the order in which configurations were begun. planned: the planned number of trials.
    """

    number: int
    trials: tuple[AnyOutcome, ...]
    planned: int

    def __str__(self) -> str:
        return f"{self.mean:.4g}" + ("" if self.std is None else f" ± {self.std:.2g}")

    @property
    def values(self) -> list[float]:
        """The values of its completed trials."""
        return [trial.completed_value for trial in self.trials if trial.completed_value is not None]

    @property
    def is_complete(self) -> bool:
        """Whether all planned trials are completed, so that its mean can be compared with that of others."""
        return len(self.values) == self.planned

    @property
    def mean(self) -> float:
        """The mean of its values; NaN if there is none."""
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def std(self) -> float | None:
        """The sample standard deviation (n - 1) of its values; None with fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def summary(self) -> dict[str, Any]:
        """Mean, deviation and number of its values, under the keys of `-f json`."""
        return {"mean": self.mean if self.values else None, "std": self.std, "completed": len(self.values)}

    def best_trial(self, direction: str) -> AnyOutcome:
        """Its best completed trial, whose weights and rounds represent it. Of equally good trials, the first."""
        completed = [trial for trial in self.trials if trial.completed_value is not None]
        sign = -1.0 if direction == "maximize" else 1.0
        return min(completed, key=lambda trial: (sign * float(trial.value or 0.0), trial.number))


def configurations_of(
    trials: Iterable[AnyOutcome], part_of: Callable[[AnyOutcome], Part], planned: int
) -> list[Configuration[AnyOutcome]]:
    """The configurations of `trials`, by number. If a repeat was run again, its later trial counts."""
    found: dict[int, dict[int, AnyOutcome]] = {}
    for trial in trials:
        number, repeat = part_of(trial)
        found.setdefault(number, {})[repeat] = trial
    return [
        Configuration(number, tuple(each[repeat] for repeat in sorted(each)), planned)
        for number, each in sorted(found.items())
    ]


def best_first(
    configurations: Sequence[Configuration[AnyOutcome]], direction: str
) -> list[Configuration[AnyOutcome]]:
    """The complete configurations by their mean, the best first. Of equal means, the lower number comes first."""
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [each for each in configurations if each.is_complete]
    return sorted(complete, key=lambda each: (sign * each.mean, each.number))
