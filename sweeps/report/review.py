"""Reviews a study as an expert would: eleven checks, each with its evidence and the command to run next.

They follow the Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue and Nado 2023): is the space wide enough
and sampled densely enough, does the training budget fit, and which problems do the best trials have? A check that finds
no fault returns None.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from storage.trials import TrialRow
from sweeps.repeats.significance import SIGNIFICANCE, rank_correlation
from sweeps.report.failures import failure_groups
from sweeps.report.knobs import PARTS, value_at
from sweeps.report.lead import lead_of
from sweeps.report.next_command import TRIALS_A_PARAMETER, launch_command, range_command
from sweeps.report.regularisation import more_regularisation
from sweeps.report.study_facts import StudyFacts, read_facts
from sweeps.study.stored_study import Study

NEAR = 0.1  # fraction of a range; a value that is nearer to an end counts as being at that end
MOST_SPOILT = 0.25  # fraction of the trials that may be without a usable result
EARLY = 0.1  # fraction of the rounds
JUST_ABOVE = 3  # a rate of at most so many times the best one is "just above" it
LEARNING_RATE = "learning_rate"


@dataclass(frozen=True)
class Finding:
    """One fault of a study.

    check: the stable name of the check that found it. because: a sentence with the evidence. next: the command to run.
    evidence: the figures behind the sentence.
    """

    check: str
    because: str
    next: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The finding as JSON values, under the stable keys of `-f json`."""
        return asdict(self)


def review(study: Study) -> list[Finding]:
    """The faults that the checks find, the most serious first. Raises UsageError if no trial is finished."""
    return review_of(read_facts(study))


def review_of(facts: StudyFacts) -> list[Finding]:
    """The faults that the checks find in `facts`, the most serious first."""
    checks = CHECKS if facts.ranked else CHECKS[:1]
    found = [finding for check in checks if (finding := check(facts)) is not None]
    return [*shared_failures(facts), *found]


def shared_failures(facts: StudyFacts) -> list[Finding]:
    """For each cause for which several trials failed: it lies in the code, the machine or a part of the space."""
    return [
        Finding("shared_failure", f"{group.text} {group.advice}", group.next, group.record())
        for group in failure_groups(facts.study, facts.table)
        if group.is_error and len(group.trials) > 1
    ]


def spoilt(facts: StudyFacts) -> Finding | None:
    """Many trials without a usable result: the space reaches into what cannot be trained."""
    share = len(facts.spoilt) / len(facts.table)
    failed = sum(trial.attributes.get("stop_reason") == "error" for trial in facts.spoilt)
    if share <= MOST_SPOILT or 1 < failed == len(facts.spoilt):  # failures have a check of their own
        return None
    reasons = statistics.multimode(_reason(trial) for trial in facts.spoilt)
    evidence: dict[str, Any] = {"share": share, "most_common": reasons[0]}
    found = _where_spoilt(facts)
    shown = (
        f"{len(facts.spoilt)} of {len(facts.table)} trials have no usable result (most common: {reasons[0]})"
    )
    if found is None:
        return Finding("spoilt", f"{shown}.", f"sweep diagnose {_study(facts)}", evidence)
    where, name, low, high = found
    return Finding("spoilt", f"{shown}; {where}.", _range(facts, name, low, high), evidence)


def _reason(trial: TrialRow) -> str:
    """Why a trial has no usable result. If it ran all its rounds, it had no finite score."""
    reason = str(trial.attributes.get("stop_reason", trial.state))
    return "no finite score" if reason == "finished" else reason


def _where_spoilt(facts: StudyFacts) -> tuple[str, str, float, float] | None:
    """Find a range with an end part that holds most of the spoilt trials and no good one.

    Returns a text that says where they lie, the parameter's name, and both ends of the rest of the range; else None.
    """
    bad = {trial.number for trial in facts.spoilt}
    for name, domain in facts.ranges.items():
        at = {trial.number: facts.position_of(trial, name) for trial in facts.table}
        ill = [place for number, place in at.items() if place is not None and number in bad]
        good = [place for number, place in at.items() if place is not None and number not in bad]
        if len(ill) < 2 or not good:
            continue
        if sum(place > max(good) for place in ill) >= 0.75 * len(ill):
            edge = value_at(domain, max(good))
            return f"nearly all of them lie above {name} = {edge:.3g}", name, domain.low, edge
        if sum(place < min(good) for place in ill) >= 0.75 * len(ill):
            edge = value_at(domain, min(good))
            return f"nearly all of them lie below {name} = {edge:.3g}", name, edge, domain.high
    return None


def near_bound(facts: StudyFacts) -> Finding | None:
    """The best trial lies at an end of a range towards which scores rise: better values may lie beyond it."""
    for name, domain in facts.ranges.items():
        at = facts.position_of(facts.best, name)
        if at is None or NEAR <= at <= 1 - NEAR:
            continue
        is_low = at < NEAR
        if not _rises_towards(facts, name, low=is_low):
            continue
        value, end = facts.best.params[name], domain.low if is_low else domain.high
        wider = value_at(domain, -1 / 3 if is_low else 4 / 3)
        if wider <= 0 <= domain.low:
            return None  # a range that begins at 0 can't be extended below it
        low, high = (wider, domain.high) if is_low else (domain.low, wider)
        return Finding(
            "near_bound",
            f"The best trial ({facts.best.number}) has {name} = {value:.4g}, at the {'low' if is_low else 'high'} end "
            f"of its range ({end:g}), and scores rise towards that end.",
            _range(facts, name, low, high),
            {"parameter": name, "value": value, "bound": end},
        )
    return None


def _rises_towards(facts: StudyFacts, name: str, *, low: bool) -> bool:
    """Whether scores are higher nearer to an end of a range, by more than chance (Spearman's rank correlation)."""
    metric = facts.study.spec.metric
    pairs = [
        (place, metric.oriented(float(trial.value)))
        for trial in facts.ranked
        if trial.value is not None and (place := facts.position_of(trial, name)) is not None
    ]
    if len(pairs) < 5:
        return False
    correlation, p_value = rank_correlation(pairs)
    return p_value < SIGNIFICANCE and (correlation < 0) == low


def few_trials(facts: StudyFacts) -> Finding | None:
    """There are too few trials for so many parameters: as many random trials would do as well."""
    if facts.study.spec.sampler in ("grid", "list"):
        return None
    searched = len(facts.study.spec.space.searched)
    wanted, tried = TRIALS_A_PARAMETER * searched, len(facts.table) // facts.study.spec.trials_each
    if tried >= wanted:
        return None
    what = "trial" if facts.study.spec.trials_each == 1 else "configuration"
    tried_so = f"{tried} {what} is" if tried == 1 else f"{tried} {what}s are"
    return Finding(
        "few_trials",
        f"{tried_so} few for {searched} searched parameters; take {wanted} or more.",
        f"sweep resume {_study(facts)} -n {wanted}",
        {"trials": tried, "parameters": searched},
    )


def unsampled(facts: StudyFacts) -> Finding | None:
    """A quarter of a range has no completed trial, so nothing is known of it."""
    if facts.study.spec.sampler in ("grid", "list") or len(facts.ranked) < 4 * PARTS:
        return None
    for name, domain in facts.ranges.items():
        places = [place for trial in facts.table if (place := facts.position_of(trial, name)) is not None]
        if len(places) < 4 * PARTS:
            continue
        filled = {min(int(place * PARTS), PARTS - 1) for place in places}
        empty = [part for part in range(PARTS) if part not in filled]
        if empty:
            low, high = (value_at(domain, (empty[0] + edge) / PARTS) for edge in (0, 1))
            return Finding(
                "unsampled",
                f"No trial has {name} between {low:.3g} and {high:.3g}: nothing is known of that part of its range.",
                _range(facts, name, low, high),
                {"parameter": name, "low": low, "high": high},
            )
    return None


def too_many_rounds(facts: StudyFacts) -> Finding | None:
    """The best round comes in the first tenth: most of each trial is spent after it."""
    share = _median_best_round(facts)
    if share is None or share > EARLY or facts.study.spec.rounds < 10:
        return None
    fewer = max(2, round(facts.study.spec.rounds * 3 * EARLY))
    return Finding(
        "too_many_rounds",
        f"The best trials have their best round in the first {share:.0%} of {facts.study.spec.rounds} rounds.",
        _launch(facts, f"--rounds {fewer}"),
        {"best_round_share": share},
    )


def still_improving(facts: StudyFacts) -> Finding | None:
    """The best trials still improve when they end: longer training may rank them otherwise."""
    if facts.share_of(facts.top, lambda trial: facts.label_of(trial) == "unfinished") <= 0.5:
        return None
    longer = 2 * facts.study.spec.rounds
    return Finding(
        "still_improving",
        f"Most of the best trials still improve in their last rounds (of {facts.study.spec.rounds}).",
        _launch(facts, f"--rounds {longer}"),
        {"best_round_share": _median_best_round(facts)},
    )


def overfitting(facts: StudyFacts) -> Finding | None:
    """The best trials overfit: there is something to gain from regularisation."""
    share = facts.share_of(facts.top, lambda trial: facts.label_of(trial) == "overfitting")
    if share <= 0.5:
        return None
    told = "Most of the best trials overfit: their validation loss rises while the training loss falls."
    more = more_regularisation(facts)
    if more is None:
        because = f"{told} Their best round counts, and no trial here shows that more regularisation helps."
        return Finding("overfitting", because, f"sweep diagnose {_study(facts)}", {"share": share})
    change = f"{more.name}={more.low:.3g}..{more.high:.3g}{':log' if more.name == 'weight_decay' else ''}"
    command = _range(facts, more.name, more.low, more.high) if more.is_searched else _launch(facts, change)
    evidence = {"share": share, "parameter": more.name, "low": more.low, "high": more.high}
    return Finding("overfitting", f"{told} {more.because} The command starts a new study.", command, evidence)


def clipped(facts: StudyFacts) -> Finding | None:
    """The gradient is clipped in most rounds of the best trial: the clip acts as a learning rate."""
    clip = facts.parameters[facts.best.number].get("gradient_clip")
    recorded = (row["gradient_norm"] for row in facts.rounds.get(facts.best.number, ()))
    norms = [norm for norm in recorded if norm is not None]
    if not clip or not norms:
        return None
    share = sum(norm > clip for norm in norms) / len(norms)
    if share <= 0.5:
        return None
    typical = statistics.median(norms)
    return Finding(
        "clipped",
        f"In {share:.0%} of its rounds the best trial's gradient is longer than gradient_clip = {clip:g} (median "
        f"{typical:.3g}), so that the clip decides the size of most steps.",
        _launch(facts, f"gradient_clip={2 * typical:.2g}"),
        {"share": share, "median_norm": typical, "gradient_clip": clip},
    )


def unstable_above(facts: StudyFacts) -> Finding | None:
    """Training fails at rates just above the best learning rate: warm-up or clipping may allow a larger rate."""
    domain = facts.ranges.get(LEARNING_RATE)
    rate = facts.best.params.get(LEARNING_RATE)
    if domain is None or rate is None:
        return None
    above = [
        trial for trial in facts.table if rate < trial.params.get(LEARNING_RATE, 0.0) <= JUST_ABOVE * rate
    ]
    bad = {trial.number for trial in facts.spoilt}
    share = facts.share_of(above, lambda trial: trial.number in bad)
    if len(above) < 3 or share <= 0.5:
        return None
    can_clip = "gradient_clip" in facts.parameters[facts.best.number]
    return Finding(
        "unstable_above",
        f"{share:.0%} of the trials with a learning rate just above the best ({rate:.3g}) have no usable result.",
        _launch(facts, "gradient_clip=1" if can_clip else "schedule=one_cycle"),
        {"share": share, "learning_rate": rate, "trials": len(above)},
    )


def within_noise(facts: StudyFacts) -> Finding | None:
    """The lead of the best trial is within noise, and no trial was confirmed from fresh seeds."""
    lead = lead_of(facts)
    if lead is None or facts.study.confirmation() is not None or not lead.is_within_noise:
        return None
    return Finding(
        "within_noise",
        lead.told(),
        f"sweep confirm {_study(facts)} --top {min(3, len(facts.ranked))} --seeds 5",
        {"lead": lead.size, "noise": lead.noise, "standard_error": lead.standard_error, "alike": lead.alike},
    )


CHECKS: Sequence[Callable[[StudyFacts], Finding | None]] = (
    spoilt,
    within_noise,
    near_bound,
    still_improving,
    too_many_rounds,
    few_trials,
    unsampled,
    overfitting,
    clipped,
    unstable_above,
)


def _median_best_round(facts: StudyFacts) -> float | None:
    shares = [
        trial.attributes["best_round"] / facts.study.spec.rounds
        for trial in facts.top
        if trial.attributes.get("best_round")
    ]
    return statistics.median(shares) if shares else None


def _study(facts: StudyFacts) -> str:
    return f"{facts.study.name}{facts.study.storage_option}"


def _launch(facts: StudyFacts, change: str) -> str:
    return launch_command(facts.study, change, len(facts.table))


def _range(facts: StudyFacts, name: str, low: float, high: float) -> str:
    return range_command(facts.study, facts.table, name, low, high)
