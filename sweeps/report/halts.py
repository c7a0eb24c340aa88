"""How many rounds halting saved, and what it cost according to the study's audits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sweeps.repeats.audit import Audit, stored_audits
from sweeps.report.curves import reason_of
from sweeps.report.study_facts import StudyFacts


@dataclass(frozen=True)
class HaltedGroup:
    """The number of trials that were halted for one reason, and the number of rounds that they did not run."""

    reason: str
    trials: int
    rounds_saved: int


@dataclass(frozen=True)
class Halts:
    """All halts of a study. rounds_run, rounds_saved: sums over its table. audits: those that are complete."""

    groups: list[HaltedGroup]
    rounds_run: int
    rounds_saved: int
    audits: list[Audit]

    @property
    def share_saved(self) -> float:
        """The share of the planned rounds that were not run."""
        planned = self.rounds_run + self.rounds_saved
        return self.rounds_saved / planned if planned else 0.0

    @property
    def halted(self) -> int:
        """How many trials were halted."""
        return sum(group.trials for group in self.groups)


def halts(facts: StudyFacts) -> Halts:
    """The halts of a study's table; the reason with the most trials first."""
    spec = facts.study.spec
    trials: Counter[str] = Counter()
    saved: Counter[str] = Counter()
    for trial in facts.table:
        reason = reason_of(trial)
        if reason in ("finished", "failed"):
            continue
        trials[reason] += 1
        saved[reason] += 0 if spec.is_open else spec.rounds - int(trial.attributes.get("rounds", 0))
    cost = facts.study.cost(facts.table)
    groups = [HaltedGroup(reason, count, saved[reason]) for reason, count in trials.most_common()]
    return Halts(groups, cost.rounds_run, cost.rounds_saved, stored_audits(facts.study))
