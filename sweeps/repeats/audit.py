"""An audit of halts: trains some halted trials again to the end, and measures what halting cost and saved.

A trial is a pure function of its specification and number, so it can be trained again without the stop rule. Up to the
halt, its rounds must be the same; the rounds after it show what the trial would have reached.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from objectives import Round
from storage.rounds import get_rounds
from storage.trials import TrialRow
from sweeps import paths
from sweeps.errors import UsageError
from sweeps.launching import Watcher
from sweeps.settings import RunSettings, stop_rule_version
from sweeps.study.continuity import check_unchanged
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_again
from sweeps.study.stored_study import Study, load, repeats_of
from sweeps.sweep import Result, run_planned
from sweeps.trial.metric import best_round

NOT_HALTED = frozenset({"finished", "hopeless", "error", "out_of_memory", "timeout", "worker_lost"})


@dataclass(frozen=True)
class AuditedTrial:
    """A halted trial, and its result without the halt.

    halted_after: its rounds until the halt. rounds: its rounds without the halt. best, full_best: the best metric up to
    the halt, and over all rounds; None if no round was finite. gain: by how much full_best is better than best, as a
    positive number. is_same: whether the rounds up to the halt equal the stored ones.
    """

    trial: int
    reason: str
    halted_after: int
    rounds: int
    best: float | None
    full_best: float | None
    full_best_round: int | None
    gain: float
    is_same: bool


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    halted: the number of halted trials. rounds_saved: the rounds that all these halts saved. planned_rounds: the
    planned rounds of all trials in the table. best: the study's best value. full_best: the same, with the audited
    trials trained to the end.
    """

    study: Study
    repeated: Study
    halted: int
    rounds_saved: int
    planned_rounds: int
    trials: list[AuditedTrial]
    best: float | None
    full_best: float | None

    @property
    def improved(self) -> list[AuditedTrial]:
        """The audited trials whose best metric improved after the halt."""
        return [each for each in self.trials if each.gain > 0]


def audit(
    name: str,
    *,
    share: float = 0.1,
    run: RunSettings | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> tuple[Result, Audit | None]:
    """Train a `share` of a study's halted trials (at least one) without its stop rule. None until this is complete.

    The study's specification decides which trials are chosen. A second call continues the first. Raises UsageError if
    no trial was halted.
    """
    if not 0 < share <= 1:
        raise UsageError(f"--share {share:g} must be above 0 and at most 1.")
    study = load(name, storage)
    study.check_is_search()
    table = study.table()
    halted = [trial for trial in table if trial.attributes.get("stop_reason") not in NOT_HALTED]
    if not halted:
        raise UsageError(f"{name}: none of its {len(table)} trials was halted, so there is nothing to audit.")
    chosen = _chosen(halted, share, study.spec.fingerprint)
    run = dataclasses.replace(
        run or RunSettings(), task=study.run.task, keep_weights="none", num_trials=None, target=None
    )
    planned = _plan(study, chosen, run)
    result = run_planned(
        planned,
        run,
        study=f"{name}-audit-{planned.spec.fingerprint[:8]}",
        storage=storage,
        watcher=watcher,
    )
    if result.ending is not None:
        return result, None
    return result, _compare(study, result.study, table, halted, chosen)


def stored_audits(study: Study) -> list[Audit]:
    """The results of the audits of a study that are complete. It trains nothing."""
    table = study.table()
    halted = [trial for trial in table if trial.attributes.get("stop_reason") not in NOT_HALTED]
    by_number = {trial.number: trial for trial in halted}
    found = []
    for repeated in repeats_of(study):
        numbers = repeated.spec.seeds_of  # empty for a confirmation, which has its own seeds
        if numbers and len(repeated.table()) == len(numbers) and by_number.keys() >= set(numbers):
            found.append(_compare(study, repeated, table, halted, [by_number[n] for n in numbers]))
    return found


def _chosen(halted: Sequence[TrialRow], share: float, fingerprint: str) -> list[TrialRow]:
    count = max(1, round(share * len(halted)))
    return sorted(random.Random(fingerprint).sample(list(halted), count), key=lambda trial: trial.number)


def _plan(study: Study, chosen: Sequence[TrialRow], run: RunSettings) -> Planned:
    if study.spec.sampler == "list":
        raise UsageError(f"{study.name} only repeats trials of another study. Audit that study.")
    now = plan_again(study.spec, study.run.task, paths.data_root(run.data_dir))
    check_unchanged(study.row, now, "Undo the change, or launch a new study.")
    spec = dataclasses.replace(
        now.spec,
        sampler="list",
        stop_rule="none",
        stop_rule_version=stop_rule_version("none"),
        schedule="full",
        enqueued=[study.spec.point_of(trial.params) for trial in chosen],
        seeds_of=[
            trial.number if study.spec.trials_each == 1 else study.repeat_of(trial) for trial in chosen
        ],
    )
    return dataclasses.replace(now, spec=spec)


def _compare(
    study: Study,
    repeated: Study,
    table: Sequence[TrialRow],
    halted: Sequence[TrialRow],
    chosen: Sequence[TrialRow],
) -> Audit:
    again = repeated.table()
    trials = [_audited(study, repeated, old, new) for old, new in zip(chosen, again, strict=True)]
    spec = study.spec
    better = max if spec.metric.direction == "maximize" else min
    values = [trial.value for trial in table if trial.state == "COMPLETE" and trial.value is not None]
    full = [each.full_best for each in trials if each.full_best is not None]
    planned = sum(spec.rounds for trial in table if trial.state != "FAIL" or trial in halted)
    return Audit(
        study,
        repeated,
        len(halted),
        sum(spec.rounds - int(trial.attributes["rounds"]) for trial in halted),
        planned,
        trials,
        better(values) if values else None,
        better([*values, *full]) if values or full else None,
    )


def _audited(study: Study, repeated: Study, old: TrialRow, new: TrialRow) -> AuditedTrial:
    before, after = _rounds(study, old.number), _rounds(repeated, new.number)
    metric = study.spec.metric
    best, full = best_round(before, metric), best_round(after, metric)
    gain = 0.0
    if full is not None:
        gain = math.inf if best is None else abs(full.valid_score - best.valid_score)
    return AuditedTrial(
        trial=old.number,
        reason=str(old.attributes["stop_reason"]),
        halted_after=len(before),
        rounds=len(after),
        best=None if best is None else best.valid_score,
        full_best=None if full is None else full.valid_score,
        full_best_round=None if full is None else full.index,
        gain=gain,
        is_same=repr(before) == repr(after[: len(before)]),  # NaN must equal itself, so texts are compared
    )


def _rounds(study: Study, trial: int) -> list[Round]:
    rows = get_rounds(study.database, study.row.study_id, trial)
    return [Round.from_figures(row) for row in rows]  # without times and memory
