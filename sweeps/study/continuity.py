"""Checks whether a stored study may continue: what has changed since its start, and whether that matters."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from storage.studies import StudyRow
from sweeps.errors import UsageError
from sweeps.settings import RunSettings, stop_rule_version
from sweeps.study.environment import (
    decisive_differences,
    other_differences,
    software_differences,
)
from sweeps.study.planned import Planned
from sweeps.study.specification import Specification, differences


def check_unchanged(row: StudyRow, now: Planned, remedy: str) -> None:
    """Raises UsageError if a study's task, data or device have changed. The message shows the changes."""
    if now.spec.fingerprint != row.fingerprint:
        lines = differences(now.spec.to_dict(), row.specification)
        raise UsageError(
            f"Study {row.name!r} can't continue, because this has changed:\n{_listed(lines)}\n{remedy}"
        )


def check_same(row: StudyRow, spec: Specification, where: str) -> None:
    """Raises UsageError if a stored study of the same name has another specification.

    where: the option with which a command finds the study's database.
    """
    if row.fingerprint != spec.fingerprint:
        lines = differences(spec.to_dict(), row.specification)
        raise UsageError(
            f"A study {row.name!r} with another specification already exists:\n{_listed(lines)}\n"
            f"To continue it, use `sweep resume {row.name}{_force(row, spec)}{where}`. "
            "To launch a new study, choose another name with --study."
        )


def check_stop_rule_version(row: StudyRow, spec: Specification, forced: str) -> None:
    """Raises UsageError if a study was started with another version of its stop rule than the present one.

    forced: the command that continues the study despite this.
    """
    ours = stop_rule_version(spec.stop_rule)
    if spec.stop_rule_version != ours:
        raise UsageError(
            f"Study {row.name!r} was started with version {spec.stop_rule_version} of the stop rule {spec.stop_rule}; "
            f"this onset-sweeps has version {ours}, which may judge trials differently. The study's results can still "
            "be read. To continue it, use the onset-sweeps that started it, or launch a new study. To continue it with "
            f"this version: {forced}"
        )


def _force(row: StudyRow, now: Specification) -> str:
    """The option `--force`, after a blank, if the task's code, the rows or the stop rule have changed; else empty."""
    then = Specification.from_dict(row.specification)
    code = then.task.name == now.task.name and then.task != now.task
    rows = then.data.plan == now.data.plan and then.data.digest != now.data.digest
    rule = then.stop_rule == now.stop_rule and then.stop_rule_version != now.stop_rule_version
    return " --force" if code or rows or rule else ""


def rule_version_here(spec: Specification) -> dict[str, int]:
    """A note for the environment: the version of the stop rule here, if it differs from the study's; else empty."""
    ours = stop_rule_version(spec.stop_rule)
    return {} if ours == spec.stop_rule_version else {"stop_rule_version": ours}


def rule_difference(spec: Specification, recorded: Mapping[str, Any]) -> list[str]:
    """One line if trials of this environment were judged by another version of the stop rule; else an empty list."""
    version = recorded.get("stop_rule_version", spec.stop_rule_version)
    if version == spec.stop_rule_version:
        return []
    return [f"stop rule {spec.stop_rule}: version {spec.stop_rule_version} -> {version}"]


def check_environment(row: StudyRow, planned: Planned, run: RunSettings, *, force: bool, where: str) -> None:
    """Raises UsageError if new results may differ from stored ones, unless `force`. Prints all other changes.

    where: the option with which a command finds the study's database. On a cluster, the hardware of the nodes decides
    about the results, so it is not compared here but when the nodes are known.
    """
    begun_in = next(iter(row.provenance["environments"].values()), None)
    if begun_in is None:
        return
    here = planned.environment()
    differ = decisive_differences if run.cluster is None else software_differences
    changed = differ(begun_in, here, sampling=True)
    if changed and not force:
        raise UsageError(
            f"Study {row.name!r} was started in another environment, so new results may differ:\n"
            f"{_listed(changed)}\nReturn to that environment, or continue anyway with "
            f"`sweep resume {row.name} --force{where}`."
        )
    if told := [*changed, *other_differences(begun_in, here)]:
        print(
            f"sweep: this has changed since study {row.name!r} was started (each trial records what it "
            f"was trained with):\n{_listed(told)}",
            file=sys.stderr,
        )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
