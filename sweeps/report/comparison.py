"""Compares two studies: their specifications, their best trials, and the first difference between their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from objectives.round import FIGURES
from storage.rounds import all_rounds
from storage.trials import TrialRow
from sweeps.errors import UsageError
from sweeps.report.best_so_far import best_so_far
from sweeps.report.confirmed_bests import Best, Difference, best_of, difference
from sweeps.study.specification import differences
from sweeps.study.stored_study import Study
from sweeps.trial.metric import Metric

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)  # fractions of the larger study's rounds at which the bests are compared


@dataclass(frozen=True)
class Part:
    """The first place where two tables differ. figure: `parameters`, `state`, `value`, `rounds` or a round's figure."""

    trial: int
    round: int | None
    figure: str
    first: Any
    second: Any

    @property
    def difference(self) -> float | None:
        """The absolute difference of the two values; None unless both are numbers."""
        numbers = [
            each
            for each in (self.first, self.second)
            if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        return abs(numbers[0] - numbers[1]) if len(numbers) == 2 else None


@dataclass(frozen=True)
class Comparison:
    """What two studies have in common, and where they differ.

    specification: a line for each difference. in_common: number of trials that both tables have. part: the first
    difference between those; None if they are equal. difference: of the confirmed scores; None unless both studies were
    confirmed from at least two seeds. so_far: several numbers of rounds, each with the best value of each study after
    so many rounds.
    """

    names: tuple[str, str]
    specification: list[str]
    bests: tuple[Best | None, Best | None]
    rounds: tuple[int, int]
    in_common: int
    part: Part | None
    difference: Difference | None
    metric: Metric
    so_far: list[tuple[int, float | None, float | None]]
    storage_option: str = ""

    @property
    def is_same_table(self) -> bool:
        """Whether every trial that both have is the same, in every recorded figure."""
        return self.part is None and self.in_common > 0

    @property
    def verdict(self) -> str:
        """One sentence: which study is better, and whether the difference is more than luck."""
        one, other = self.bests
        if one is None or other is None:
            without = [name for name, best in zip(self.names, self.bests, strict=True) if best is None]
            return f"{' and '.join(without)} has no completed trial, so there is nothing to compare."
        if self.difference is None:
            return (
                "It is not known whether the difference between the best values is more than luck: each was chosen "
                "because it is the best of its search. To confirm both from fresh seeds: "
                f"{' and '.join(f'sweep confirm {name}{self.storage_option}' for name in self.names)}"
            )
        told = self.difference.sentence(self.names, self.metric)
        if one.rows == other.rows:
            return told
        return f"{told} Their data differ, so the difference may come from the rows."


def compare(first: Study, second: Study) -> Comparison:
    """Compare two stored studies. Raises UsageError if they optimise different metrics."""
    for study, other in ((first, second),):
        ours, theirs = study.spec.metric, other.spec.metric
        if (ours.name, ours.direction) != (theirs.name, theirs.direction):
            raise UsageError(
                f"{study.name} {ours.direction}s {ours.name}, {other.name} {theirs.direction}s {theirs.name}: "
                "only studies of the same metric can be compared."
            )
    tables = first.table(), second.table()
    rounds = _rounds(first), _rounds(second)
    in_common = min(map(len, tables))
    bests = best_of(first), best_of(second)
    return Comparison(
        names=(first.name, second.name),
        storage_option=first.storage_option,
        specification=differences(second.spec.to_dict(), first.spec.to_dict()),
        bests=bests,
        rounds=(_count(tables[0], rounds[0]), _count(tables[1], rounds[1])),
        in_common=in_common,
        part=_first_difference(tables, rounds, in_common),
        difference=difference(*bests),
        metric=first.spec.metric,
        so_far=_best_so_far(first, second, tables, rounds),
    )


def _rounds(study: Study) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in all_rounds(study.database, study.row.study_id):
        found.setdefault(row["trial"], []).append(row)
    return found


def _count(table: Sequence[TrialRow], rounds: dict[int, list[dict[str, Any]]]) -> int:
    return sum(len(rounds.get(trial.number, ())) for trial in table)


def _first_difference(
    tables: tuple[Sequence[TrialRow], Sequence[TrialRow]],
    rounds: tuple[dict[int, list[dict[str, Any]]], dict[int, list[dict[str, Any]]]],
    in_common: int,
) -> Part | None:
    for one, other in zip(tables[0][:in_common], tables[1][:in_common], strict=True):
        if one.params != other.params:
            names = [*one.params, *(name for name in other.params if name not in one.params)]
            name = next(name for name in names if one.params.get(name) != other.params.get(name))
            return Part(one.number, None, name, one.params.get(name), other.params.get(name))
        ours, theirs = rounds[0].get(one.number, []), rounds[1].get(one.number, [])
        for mine, yours in zip(ours, theirs, strict=False):
            for figure in FIGURES:
                if repr(mine[figure]) != repr(yours[figure]):
                    return Part(one.number, mine["index"], figure, mine[figure], yours[figure])
        ends: dict[str, tuple[Any, Any]] = {
            "rounds": (len(ours), len(theirs)),
            "state": (one.state, other.state),
            "value": (one.value, other.value),
        }
        for name, (first, second) in ends.items():
            if repr(first) != repr(second):
                return Part(one.number, None, name, first, second)
    return None


def _best_so_far(
    first: Study,
    second: Study,
    tables: tuple[Sequence[TrialRow], Sequence[TrialRow]],
    rounds: tuple[dict[int, list[dict[str, Any]]], dict[int, list[dict[str, Any]]]],
) -> list[tuple[int, float | None, float | None]]:
    courses = [
        [step.best for step in best_so_far(study.spec.metric, table, each)]
        for study, table, each in zip((first, second), tables, rounds, strict=True)
    ]
    most = max((len(course) for course in courses), default=0)
    marks = sorted({max(1, round(share * most)) for share in SHARES}) if most else []
    return [(mark, _at(courses[0], mark), _at(courses[1], mark)) for mark in marks]


def _at(course: Sequence[float | None], mark: int) -> float | None:
    """The best value after `mark` rounds; None if the study ran fewer."""
    return course[mark - 1] if mark <= len(course) else None
