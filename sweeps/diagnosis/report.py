"""Diagnoses whole studies and files of curves: each curve's label, and the round at which a rule would halt it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from objectives import Round
from storage.rounds import get_rounds
from storage.trials import TrialRow
from sweeps.diagnosis.curve_files.reading import CurveFile, NamedCurve
from sweeps.diagnosis.diagnosis import Diagnosis, advice_for
from sweeps.diagnosis.labels import diagnose
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import curve_of
from sweeps.pruning.looks import rounds_to_judge
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.rules import make_rule
from sweeps.settings import check_stop_rule
from sweeps.study.stored_study import Study
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import SPOILT, Stop, StopReason, TrialEnd


@dataclass(frozen=True)
class Diagnosed:
    """A curve, its diagnosis, and the verdict that halted it or would have halted it; None for no halt.

    meant: the planned rounds of a trial; for a curve from a file, the rounds that it has.
    """

    named: NamedCurve
    meant: int
    diagnosis: Diagnosis
    stop: Stop | None

    @property
    def halt_round(self) -> int | None:
        """The round after which it was or would have been halted, in the numbers of its source."""
        return None if self.stop is None else int(self.named.curve.numbers[self.stop.round - 1])

    @property
    def best_round(self) -> int:
        """The round of the best score, in the numbers of its source."""
        return int(self.named.curve.numbers[self.named.curve.best])

    def record(self) -> dict[str, Any]:
        """The record with the stable keys of `-f json`."""
        return {
            "trial": self.named.name,
            "label": self.diagnosis.label,
            "best_round": self.best_round,
            "halt_round": self.halt_round,
            "reason": None if self.stop is None else self.stop.reason,
            "evidence": dict(self.diagnosis.evidence),
            "advice": self.diagnosis.advice,
            "because": self.diagnosis.because,
            "rounds": len(self.named.curve),
            "saved": 0 if self.stop is None else self.meant - self.stop.round,
        }


def diagnose_file(
    file: CurveFile, *, total_rounds: int | None = None, rule: str = "onset"
) -> list[Diagnosed]:
    """The diagnoses of all curves of a file.

    total_rounds: the planned rounds of each curve; None for the rounds of the longest one. rule: the stop rule that is
    applied to each curve.
    """
    longest = max(len(named.curve) for named in file.curves)
    if total_rounds is not None and total_rounds < longest:
        raise UsageError(
            f"--total-rounds {total_rounds} is too small: the longest curve has {longest} rounds."
        )
    budget = total_rounds or longest
    judge = _rule(rule, Watch(budget, file.metric))
    meant = [len(named.curve) for named in file.curves]
    return list(_diagnosed(file.curves, meant, file.metric, budget, judge))


def diagnose_study(study: Study, trial: int | None = None, *, rule: str | None = None) -> list[Diagnosed]:
    """The diagnoses of all trials of a study that have a round, or of one trial.

    rule: a stop rule to apply to the rounds; None to use the recorded reasons and rounds of the halts.
    """
    metric, budget = study.spec.metric, study.spec.rounds
    trials = study.all_trials()
    if trial is not None:
        trials = [study.trial(trial)]
    curves, stops = [], []
    for each in trials:
        rounds = [
            Round.from_figures(row) for row in get_rounds(study.database, study.row.study_id, each.number)
        ]
        if rounds:
            curves.append(NamedCurve(str(each.number), curve_of(rounds, metric)))
            stops.append(_recorded(each, len(rounds)))
    if not curves:
        raise UsageError(f"{study.name}: no round is recorded yet.")
    if rule is None:
        return [
            Diagnosed(named, budget, _agreeing(diagnose(named.curve, budget, metric), stop), stop)
            for named, stop in zip(curves, stops, strict=True)
        ]
    judge = _rule(rule, Watch(budget, metric, study.spec.parallelism))
    if judge.needs_earlier and trial is not None:
        raise UsageError(
            f"--rule {rule} compares a trial with earlier ones. Remove the number of the trial to diagnose all."
        )
    return list(_diagnosed(curves, [budget] * len(curves), metric, budget, judge))


def diagnose_trial(study: Study, trial: TrialRow, rows: Sequence[Mapping[str, Any]]) -> Diagnosed | None:
    """The diagnosis of one trial, whose rounds are `rows`; None if it has none."""
    if not rows:
        return None
    metric, budget = study.spec.metric, study.spec.rounds
    named = NamedCurve(str(trial.number), curve_of([Round.from_figures(row) for row in rows], metric))
    stop = _recorded(trial, len(rows))
    return Diagnosed(named, budget, _agreeing(diagnose(named.curve, budget, metric), stop), stop)


def _recorded(trial: TrialRow, num_rounds: int) -> Stop | None:
    """The verdict that halted a trial; None if it ran all its rounds, failed or has not ended."""
    reason = trial.attributes.get("stop_reason")
    if reason is None or reason not in get_args(StopReason) or reason == "finished":
        return None
    notes = trial.attributes
    return Stop(reason, num_rounds, notes.get("evidence") or {}, notes.get("because") or "")


def _agreeing(found: Diagnosis, stop: Stop | None) -> Diagnosis:
    """The diagnosis `found`; but if a stop rule halted the trial for another reason, the diagnosis of that reason."""
    if stop is None or stop.reason == found.label:
        return found
    advice = found.advice if stop.reason in ("inferior", "plateau") else advice_for(stop.reason)
    return Diagnosis(stop.reason, stop.evidence, stop.because, advice)  # type: ignore[arg-type]  # `finished` has no stop


def _rule(name: str, watch: Watch) -> StopRule:
    """The rule called `name`. Raises UsageError if there is none."""
    check_stop_rule("--rule", name)
    return make_rule(name, watch)


def _diagnosed(
    curves: Sequence[NamedCurve], meant: Sequence[int], metric: Metric, budget: int, rule: StopRule
) -> Iterator[Diagnosed]:
    """Judge the curves as the trials of one study, in order, and round by round, so that no rule sees later rounds."""
    for number, named in enumerate(curves):
        stop = None
        for rounds in rounds_to_judge(named.curve, budget):
            found = rule.verdict(number, named.curve.until(rounds))
            if found is not None and (rounds < budget or found.reason in SPOILT):
                stop = found
                break
        seen = len(named.curve) if stop is None else stop.round
        state: TrialEnd = "PRUNED" if stop is not None and stop.reason == "inferior" else "COMPLETE"
        rule.finished(number, named.curve.until(seen), state)
        yield Diagnosed(named, meant[number], diagnose(named.curve, budget, metric), stop)
