"""Collects all facts of a study's report. The page only draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sweeps.report.best_so_far import Step, best_so_far
from sweeps.report.commands import SPACE_FILE, launch_command, uses_own_space
from sweeps.report.curves import CurveGroup, curve_groups
from sweeps.report.failures import FailureGroup, failure_groups
from sweeps.report.grid_table import GridTable, grid_table
from sweeps.report.halts import Halts, halts
from sweeps.report.importances import importances
from sweeps.report.knobs import knob, values_of
from sweeps.report.review import Finding, review_of
from sweeps.report.slices import Slice, slices
from sweeps.report.study_facts import StudyFacts, read_facts
from sweeps.report.verdicts import ConfirmedFigures, Verdict, confirmed_figures, verdicts
from sweeps.study.stored_study import Study

MOST_CELLS = 64
TOP = 10


@dataclass(frozen=True)
class StudyReport:
    """The facts of a report.

    unfinished: how many trials have not ended. importances: of the parameters, the largest first. grid: the table of
    the two most important parameters. environments: as recorded. space: the searched space, to be written as YAML; None
    if it is the task's own. made: when the report was made.
    """

    facts: StudyFacts
    unfinished: int
    confirmed: ConfirmedFigures | None
    verdicts: list[Verdict]
    findings: list[Finding]
    steps: list[Step]
    importances: Mapping[str, float]
    slices: list[Slice]
    grid: GridTable | None
    curves: list[CurveGroup]
    halts: Halts
    failures: list[FailureGroup]
    environments: Sequence[Mapping[str, Any]]
    commands: list[tuple[str, str]]
    space: Mapping[str, Any] | None
    made: datetime

    @property
    def study(self) -> Study:
        """The study that the report is about."""
        return self.facts.study


def study_report(study: Study) -> StudyReport:
    """The facts of a stored study, which may be running. Raises UsageError if no trial is finished."""
    facts = read_facts(study)
    shares, confirmed = importances(study, facts.ranked), confirmed_figures(study)
    findings, cut = review_of(facts), slices(facts)
    if shares:
        cut.sort(key=lambda each: -shares.get(each.name, 0.0))
    is_list = study.spec.sampler == "list"
    return StudyReport(
        facts=facts,
        unfinished=study.num_trials - len(facts.table),
        confirmed=confirmed,
        verdicts=verdicts(facts, confirmed, shares, findings),
        findings=findings,
        steps=best_so_far(study.spec.metric, facts.table, facts.rounds),
        importances=shares,
        slices=cut,
        grid=_grid(facts, [each.name for each in cut]),
        curves=curve_groups(facts),
        halts=halts(facts),
        failures=failure_groups(study, facts.table),
        environments=list(study.provenance["environments"].values()),
        commands=_commands(study, facts, {each.check: each.next for each in findings}, is_list=is_list),
        space=None if is_list or not uses_own_space(study) else study.spec.space.to_dict(),
        made=datetime.now(UTC),
    )


def _grid(facts: StudyFacts, names: Sequence[str]) -> GridTable | None:
    """The table of the first two parameters in `names`; None if there are fewer, or if it would be too large."""
    values = values_of(facts.study, facts.table)
    few = [name for name in names if len(knob(facts.study, name, values).groups) ** 2 <= MOST_CELLS]
    return grid_table(facts.study, rows=few[0], columns=few[1]) if len(few) > 1 else None


def _commands(
    study: Study, facts: StudyFacts, advised: Mapping[str, str], *, is_list: bool
) -> list[tuple[str, str]]:
    """What can be done with the study: texts, each with its command.

    advised: commands of the findings by check; they replace the default commands, so that the page names the same ones.
    """
    found = []
    if not is_list:
        own = f", with the space below as {SPACE_FILE}" if uses_own_space(study) else ""
        more = advised.get("few_trials") or study.command("resume", "-n", str(2 * study.num_trials))
        found.append((f"Run the study again{own}", launch_command(study)))
        found.append(("Continue it with more trials", more))
    if facts.ranked:
        found.append(("Write its best configuration", study.command("export", "-o", "best.yaml")))
        found.append(("Train that again and compare every round", "sweep replay best.yaml"))
    if facts.ranked and not is_list:
        again = advised.get("within_noise") or study.command("confirm")
        found.append(("Train the best trials again from fresh seeds", again))
    return found
