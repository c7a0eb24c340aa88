"""Answers questions about a study: what is best, how sure that is, what mattered, what went wrong, what it cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.errors import ObjectiveError
from sweeps.printable import duration_text
from sweeps.repeats.significance import SIGNIFICANCE, Spread
from sweeps.report.lead import lead_of
from sweeps.report.review import Finding
from sweeps.report.study_facts import StudyFacts
from sweeps.study.stored_study import Study

ENDED_WELL = frozenset({"finished", "paused", "error"})
FEW_TRIALS = 20  # with fewer, the best tenth has at most two trials, so no importance is given as a number
MOST_PARAMETERS = 8  # in a verdict
MUCH_MORE = 0.05  # importance; a parameter with less is not named


@dataclass(frozen=True)
class ConfirmedFigures:
    """The figures of a confirmation.

    test: the score on the test split; None if that was not used. rivals: the p-value of each other trial, by number.
    """

    name: str
    trial: int
    valid: Spread
    test: Spread | None
    look: int | None
    rivals: list[tuple[int, float | None]]

    @property
    def within_noise(self) -> list[int]:
        """The rivals that may be as good as the winner."""
        return [trial for trial, p_value in self.rivals if p_value is None or p_value > SIGNIFICANCE]


@dataclass(frozen=True)
class Verdict:
    """One answer. question: such as `What is best?`. figure: a number or a few words. sentences: the rest."""

    question: str
    figure: str
    sentences: list[str]


def confirmed_figures(study: Study) -> ConfirmedFigures | None:
    """The figures of the confirmation that is in best.yaml; None if nothing was confirmed."""
    found = study.confirmation()
    if found is None:
        return None
    record = found.record
    values = [value for value in record["values"] if value is not None]
    test = record.get("test")
    return ConfirmedFigures(
        found.name,
        found.trial,
        Spread.of(values),
        Spread.of(test["values"]) if test and test["values"] else None,
        int(test["look"]) if test else None,
        [(int(rival["trial"]), rival["p_value"]) for rival in record["rivals"]],
    )


def published_figures(study: Study) -> Mapping[str, float]:
    """The published figures of the study's task; empty if the task no longer exists or is in a file.

    The code of a file is not run for this.
    """
    from objectives.registry import get_task

    reference = study.run.task or study.spec.task.name
    if study.spec.task.kind != "task" or ".py" in reference:
        return {}
    try:
        published = get_task(reference).published
    except ObjectiveError:
        return {}
    return {} if published is None else published.figures


def not_comparable(study: Study) -> str | None:
    """Why the published figures can't be compared with this study: other data, or fewer rows; None if they can."""
    from objectives.registry import get_task

    plan, reference = study.spec.data.plan, study.run.task or study.spec.task.name
    if ".py" in reference or plan.published:
        return None
    theirs = get_task(reference).data_sets[0]
    if plan.name != theirs:
        return (
            f"They were measured on {theirs} and this study is on {plan.name}, so the two can't be compared."
        )
    if plan.fraction != 1.0 or plan.most_train_rows or plan.most_valid_rows:
        return f"They were measured on all of {theirs} and this study has a part of it, so the two can't be compared."
    return None


def verdicts(
    facts: StudyFacts,
    confirmed: ConfirmedFigures | None,
    shares: Mapping[str, float],
    findings: Sequence[Finding],
) -> list[Verdict]:
    """The answers to the questions that people ask first."""
    return [
        _best(facts, confirmed, shares),
        _sure(facts, confirmed),
        _published(facts, confirmed),
        _mattered(shares, len(facts.ranked)),
        _wrong(facts, findings),
        _cost(facts),
    ]


def _best(facts: StudyFacts, confirmed: ConfirmedFigures | None, shares: Mapping[str, float]) -> Verdict:
    question = "What is best?"
    if not facts.ranked:
        return Verdict(question, "none", [f"None of the {len(facts.table)} trials is complete."])
    trial = facts.best if confirmed is None else facts.study.confirmed(facts.best)
    metric, notes = facts.study.spec.metric, trial.attributes
    what = f"validation {metric.name} of trial {trial.number}, in round {notes.get('best_round', '?')}"
    chosen = [
        f"It is the {'largest' if metric.direction == 'maximize' else 'smallest'} of {len(facts.ranked)} values."
    ]
    if trial.number != facts.best.number:
        chosen = [
            f"It is best by its mean over repeats. The best single run is trial {facts.best.number}: "
            f"{text_of(facts.best.value)}."
        ]
    told = [f"{what.capitalize()}.", *_parameters(facts.study.searched(trial), shares), *chosen]
    return Verdict(question, text_of(trial.value), told)


def _parameters(values: Mapping[str, Any], shares: Mapping[str, float]) -> list[str]:
    """The values of a trial's parameters, those that mattered most first."""
    names = sorted(values, key=lambda name: -shares.get(name, 0.0))
    if not names:
        return []
    more = len(names) - MOST_PARAMETERS
    listed = ", ".join(f"{name} = {text_of(values[name])}" for name in names[:MOST_PARAMETERS])
    return [f"Its parameters: {listed}" + (f", and {more} more below." if more > 0 else ".")]


def _sure(facts: StudyFacts, confirmed: ConfirmedFigures | None) -> Verdict:
    question = "How sure is that?"
    if confirmed is None:
        told = [
            "The best of many trials is partly lucky, so expect a somewhat lower value when it is trained again. "
            "No trial was trained again so far."
        ]
        lead = lead_of(facts)
        told = [*lead.sentences(), *told] if lead is not None else told
        return Verdict(question, "not confirmed", told)
    spread, interval = confirmed.valid, confirmed.valid.interval()
    told = [
        f"Mean of {spread.count} runs of trial {confirmed.trial} from fresh seeds, ± their standard deviation."
    ]
    if interval is not None:
        told.append(f"The true mean lies between {interval[0]:.4g} and {interval[1]:.4g} (95 % confidence).")
    if confirmed.test is not None:
        told.append(f"On the test split: {confirmed.test} ({_look(confirmed.look)}).")
    if rivals := confirmed.within_noise:
        told.append(f"{_trials(rivals)} may be as good: the difference is within noise.")
    return Verdict(question, str(spread), told)


def _look(look: int | None) -> str:
    return "used once" if look == 1 else f"use number {look}, so it is no longer unseen"


def _trials(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:-1]))
    return f"Trial {numbers[0]}" if len(numbers) == 1 else f"Trials {listed} and {numbers[-1]}"


def _published(facts: StudyFacts, confirmed: ConfirmedFigures | None) -> Verdict:
    figures, metric = published_figures(facts.study), facts.study.spec.metric
    question = "Compared with published results?"
    if not figures:
        return Verdict(question, "none known", ["The task names no published result."])
    names = [f"{name.replace('_', ' ')} {text_of(value)}" for name, value in figures.items()]
    named = f"Published for the task {facts.study.spec.task.name}: {', '.join(names)}."
    if (apart := not_comparable(facts.study)) is not None:
        return Verdict(question, "not comparable", [named, apart])
    theirs, test = figures.get(f"test_{metric.name}"), None if confirmed is None else confirmed.test
    if theirs is None or test is None:
        told = [named]
        if theirs is not None:
            told.append("Only a test result can be compared with it: `sweep confirm` measures one.")
        return Verdict(question, "not compared yet", told)
    is_better = metric.is_better(test.mean, theirs)
    figure = f"{test.mean - theirs:+.2g}"
    told = [
        f"Test {metric.name} here {test}, published {text_of(theirs)}: {'better' if is_better else 'not better'}.",
        named,
    ]
    return Verdict(question, figure, told)


def _mattered(shares: Mapping[str, float], num_ranked: int) -> Verdict:
    question = "What mattered?"
    if not shares:
        return Verdict(question, "not known", ["There are too few completed trials to tell."])
    best = best_tenth(num_ranked)
    if num_ranked < FEW_TRIALS:
        order = ", ".join(list(shares)[:3])
        told = [
            f"This is only a hint, from the best {best} of {num_ranked} trials against all of them. In order: {order}.",
            "With more trials, the order may change.",
        ]
        return Verdict(question, f"perhaps {next(iter(shares))}", told)
    first, *others = [(name, share) for name, share in shares.items() if share >= MUCH_MORE] or list(
        shares.items()
    )[:1]
    told = [
        f"It explains {first[1]:.0%} of the difference between the best tenth ({best} trials) and all {num_ranked}."
    ]
    if others:
        told.append("Then " + ", ".join(f"{name} ({share:.0%})" for name, share in others[:3]) + ".")
    return Verdict(question, first[0], told)


def best_tenth(num_ranked: int) -> int:
    """How many trials count as the best for the importance: a tenth, rounded up as Optuna does."""
    return math.ceil(0.1 * num_ranked)


def _wrong(facts: StudyFacts, findings: Sequence[Finding]) -> Verdict:
    question, bad = "What went wrong?", facts.spoilt
    if not bad:
        told = [f"Each of the {len(facts.table)} trials has a usable result.", *_halted(facts, findings)]
        return Verdict(question, "no trial failed", told)
    failed = sum(trial.state == "FAIL" for trial in bad)
    told = [f"They have no usable result ({len(bad) / len(facts.table):.0%}); {failed} of them failed."]
    return Verdict(question, f"{len(bad)} of {len(facts.table)} trials", [*told, *_halted(facts, findings)])


def _halted(facts: StudyFacts, findings: Sequence[Finding]) -> list[str]:
    """Sentences on how many trials with a usable result were halted, by reason, and on overfitting."""
    bad = {trial.number for trial in facts.spoilt}
    reasons = Counter(
        str(trial.attributes["stop_reason"]).replace("_", " ")
        for trial in facts.table
        if trial.number not in bad and trial.attributes.get("stop_reason", "finished") not in ENDED_WELL
    )
    told = []
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        halted = reasons.total()
        were = "1 trial was" if halted == 1 else f"{halted} trials were"
        told.append(f"{were} halted early ({listed}): the best round counts, so no result is lost.")
    if any(each.check == "overfitting" for each in findings):
        told.append(
            "Most of the best trials overfit after their best round. The next part says what to do about that."
        )
    return told


def _cost(facts: StudyFacts) -> Verdict:
    cost = facts.study.cost(facts.table)
    planned = cost.rounds_run + cost.rounds_saved
    saved = (
        f"Halting saved {cost.rounds_saved:,} rounds ({cost.rounds_saved / planned:.0%})." if planned else ""
    )
    return Verdict(
        "What did it cost?",
        duration_text(cost.seconds),
        [f"Training of {len(facts.table)} trials, {cost.rounds_run:,} rounds.", *([saved] if saved else [])],
    )


def text_of(value: Any) -> str:
    """A value as text, a float with four digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
