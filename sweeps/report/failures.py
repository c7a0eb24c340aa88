"""Groups failed trials by cause, and tells in which part of the space a group lies and what can be done."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from storage.trials import TrialRow
from sweeps.printable import on_one_line
from sweeps.repeats.significance import SIGNIFICANCE
from sweeps.study.stored_study import Study

MOST_CONDITIONS = 2  # for each group; more conditions would describe the trials rather than the cause
LONGEST_CAUSE = 160

_CAUSES = {
    "out_of_memory": "out of memory",
    "timeout": "longer than the time limit",
    "worker_lost": "the worker process died",
}
_MISSING = {  # what is missing has nothing to do with the space
    "FileNotFoundError": "Put the file there on each machine, or correct the path: relative paths start from the "
    "folder in which sweep was started.",
    "ModuleNotFoundError": "Install the module on each machine, for the Python that runs sweep.",
}
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Condition:
    """A condition on one parameter that all trials of a group fulfil, and few other trials.

    sign: `≥`, `≤` or `=`. p_value: probability that all trials of the group fulfil it by chance.
    """

    parameter: str
    sign: str
    value: Any
    p_value: float = 1.0

    @property
    def text(self) -> str:
        """The condition as text, such as `batch_size ≥ 512`."""
        value = self.value
        shown = (
            str(value).lower()
            if isinstance(value, bool)
            else f"{value:.4g}"
            if isinstance(value, float)
            else str(value)
        )
        return f"{self.parameter} {self.sign} {shown}"


@dataclass(frozen=True)
class FailureGroup:
    """Failed trials with the same cause.

    kind: as recorded (`out_of_memory`, `timeout`, `worker_lost`, `error`), or the reason of a halt. cause: in words.
    where: conditions that all of them fulfil; empty if no condition distinguishes them from other trials. failed: how
    many trials of the study failed for any cause.
    """

    kind: str
    cause: str
    trials: tuple[int, ...]
    where: tuple[Condition, ...]
    failed: int
    advice: str
    next: str

    @property
    def is_error(self) -> bool:
        """Whether the trials failed with an error. (If not, none of their rounds had a finite score.)"""
        return self.kind in ("error", *_CAUSES)

    @property
    def text(self) -> str:
        """One sentence, such as `7 of 9 failures: out of memory, all at batch_size ≥ 512 and hidden_width ≥ 2048.`"""
        count, failures = len(self.trials), "failure" if self.failed == 1 else "failures"
        counted = f"{count} of {self.failed} {failures}" if count < self.failed else f"{count} {failures}"
        everywhere = " and ".join(condition.text for condition in self.where)
        all_at = f", {'all ' if count > 1 else ''}at {everywhere}" if everywhere else ""
        return f"{counted}: {self.cause.rstrip('.')}{all_at}."

    def record(self) -> dict[str, Any]:
        """The group as JSON values, under the stable keys of `-f json`."""
        return {
            "kind": self.kind,
            "cause": self.cause,
            "trials": list(self.trials),
            "where": [condition.text for condition in self.where],
            "advice": self.advice,
            "next": self.next,
        }


def failure_groups(study: Study, trials: Sequence[TrialRow]) -> list[FailureGroup]:
    """The failed trials among `trials`, grouped by cause; the largest group first."""
    failed = [trial for trial in trials if trial.state == "FAIL"]
    groups: dict[tuple[str, str], list[TrialRow]] = {}
    for trial in failed:
        groups.setdefault(_key(trial), []).append(trial)
    finished = [trial for trial in trials if trial.is_finished]
    found = [_group(study, members, finished, len(failed)) for members in groups.values()]
    return sorted(found, key=lambda group: (-len(group.trials), group.trials))


def _key(trial: TrialRow) -> tuple[str, str]:
    """The key by which failures are grouped: their kind, and the error's text without its numbers."""
    kind = _kind(trial)
    if kind in _CAUSES:
        return kind, ""
    return kind, _NUMBERS.sub("#", _because(trial) if kind == "error" else "")


def _kind(trial: TrialRow) -> str:
    notes = trial.attributes
    reason = str(notes.get("stop_reason", "error"))
    return str((notes.get("evidence") or {}).get("kind", reason)) if reason == "error" else reason


def _because(trial: TrialRow) -> str:
    return on_one_line(str(trial.attributes.get("because", "")))[:LONGEST_CAUSE]


def _group(
    study: Study, members: Sequence[TrialRow], finished: Sequence[TrialRow], num_failed: int
) -> FailureGroup:
    first, kind = members[0], _kind(members[0])
    cause = _CAUSES.get(kind) or (_because(first) if kind == "error" else kind.replace("_", " "))
    numbers = tuple(trial.number for trial in members)
    others = [trial for trial in finished if trial.number not in set(numbers)]
    where = _where(members, others) if len(members) > 1 else ()
    return FailureGroup(
        kind,
        cause or str((first.attributes.get("evidence") or {}).get("error_class", "unknown cause")),
        numbers,
        where,
        num_failed,
        _advice(kind, str((first.attributes.get("evidence") or {}).get("error_class", "")), where),
        study.command("show", str(numbers[-1])),
    )


def _where(members: Sequence[TrialRow], others: Sequence[TrialRow]) -> tuple[Condition, ...]:
    """The conditions that distinguish the members from the other trials by more than chance.

    Each further condition is tested only against those others that fulfil the conditions before it.
    """
    chosen: list[Condition] = []
    left = others
    while left and len(chosen) < MOST_CONDITIONS:
        possible = [each for name in members[0].params for each in _conditions(name, members)]
        measured = [_measured(each, len(members), left) for each in possible]
        best = min(measured, key=lambda condition: condition.p_value, default=None)
        if best is None or best.p_value * len(measured) > SIGNIFICANCE:
            break
        chosen.append(best)
        left = [trial for trial in left if _holds(best, trial)]
    return tuple(chosen)


def _conditions(name: str, members: Sequence[TrialRow]) -> list[Condition]:
    values = [trial.params.get(name) for trial in members]
    if any(value is None for value in values):
        return []
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return [Condition(name, "≥", min(values)), Condition(name, "≤", max(values))]  # type: ignore[type-var]
    return [Condition(name, "=", values[0])] if all(value == values[0] for value in values) else []


def _measured(condition: Condition, members: int, others: Sequence[TrialRow]) -> Condition:
    """The condition with its p-value: the probability that as many trials, drawn at random, all fulfil it."""
    held = sum(_holds(condition, trial) for trial in others)
    share = math.comb(held + members, members) / math.comb(len(others) + members, members)
    return replace(condition, p_value=share)


def _holds(condition: Condition, trial: TrialRow) -> bool:
    value = trial.params.get(condition.parameter)
    if value is None or condition.sign == "=":
        return bool(value == condition.value)
    if isinstance(value, str | bool):
        return False
    return bool(value >= condition.value if condition.sign == "≥" else value <= condition.value)


def _advice(kind: str, error_class: str, where: Sequence[Condition]) -> str:
    if kind == "error" and error_class in _MISSING:
        return _MISSING[error_class]
    outside = f" Search outside {' and '.join(each.text for each in where)}." if where else ""
    advice = {
        "out_of_memory": "Give each trial more memory (fewer workers), or lower the batch size or the model's size.",
        "timeout": "Raise --trial-timeout, or train for fewer rounds.",
        "worker_lost": "Look for what ends the process: often the memory of the machine is exhausted.",
        "error": "The traceback shows where the code failed.",
    }.get(kind, "No round had a finite score: lower the learning rate, or look at input and targets.")
    return advice + outside
