"""A study that begins with what an older one has found: its trials are copied into the new specification.

So the new study stays a pure function of its specification, and the older one may change or be deleted. Trials of the
same task, data and rounds become observations: the sampler sees them from the start. The values of other trials can't
be compared with those of the new study. Of these trials, the parameters of the best are tried first, as hints (Feurer,
Springenberg and Hutter, "Initializing Bayesian hyperparameter optimization via meta-learning", 2015).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from search_spaces import Categorical
from search_spaces.schema import Domain
from storage.configurations import Configuration
from storage.trials import TrialRow
from sweeps.errors import UsageError
from sweeps.study.planned import Planned
from sweeps.study.specification import Specification, full_parameters
from sweeps.study.stored_study import Study

LEARNING = ("tpe", "gp")  # samplers that learn from the trials of another study
HINTS = 5
MOST_OBSERVATIONS = 300


def warm_started(planned: Planned, older: Study, *, kind: str = "warm-start") -> Planned:
    """The plan with the trials of an older study. kind: `warm-start` or `branch`.

    Raises UsageError if the older study has another metric or direction, or no trial that fits.
    """
    spec = planned.spec
    _check(spec, older)
    reasons = _why_hints(spec, older.spec)
    if reasons and spec.is_open:
        raise UsageError(
            f"--warm-start {older.name}: its trials can only be hints ({'; '.join(reasons)}). An Optuna objective "
            "can't use hints, because its ranges are not known before it runs. Use --enqueue with an exported "
            "best.yaml."
        )
    fitting, left_out = _sorted_out(spec, older, strict=not reasons)
    trials = [*(_inherited(spec, older) if kind == "branch" else []), *fitting]
    if not trials:
        raise UsageError(
            f"No trial of {older.name} fits this study.\n{_listed(left_out)}\n"
            "To begin without them, launch a new study."
        )
    if reasons:
        trials = _best_of(trials, spec)[:HINTS]
        spec = dataclasses.replace(spec, enqueued=[*spec.enqueued, *(each["params"] for each in trials)])
    record = {
        "study": older.name,
        "fingerprint": older.row.fingerprint,
        "kind": kind,
        "as": "hints" if reasons else "observations",
        "why": reasons,
        "trials": _bounded(trials, spec),
        "left_out": left_out,
    }
    return dataclasses.replace(planned, spec=dataclasses.replace(spec, warm_start=record))


def warm_start_lines(spec: Specification) -> list[str]:
    """Lines for the user that tell which trials were taken from an older study; none without a warm start."""
    record = spec.warm_start
    if not record:
        return []
    count = len(record["trials"])
    if record["as"] == "hints":
        what = f"the best {count} are tried first, as hints ({'; '.join(record['why'])})"
    else:
        what = f"{count} {'trial is' if count == 1 else 'trials are'} kept as observations"
    return [f"{record['study']}: {what}", *_listed(record["left_out"]).splitlines()]


def point_in(spec: Specification, full: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any] | str:
    """The point of the space with these parameters; or, if there is none, the reason in words.

    full: all parameters of a trial. strict: whether the other parameters, which the space does not search, must equal
    those of this study. If not, they are ignored, and a searched parameter that `full` lacks has its default.
    """
    chosen: dict[str, Any] = {}
    for parameter in spec.space:
        name, domain = parameter.name, parameter.domain
        if not parameter.is_active(chosen):
            continue
        if name in full:
            value = _choice(domain, full[name])
        elif not strict and name in spec.defaults:
            value = domain.nearest(spec.defaults[name])
        else:
            return f"{name} has no value in the older study"
        if not domain.contains(value):
            return f"{name} lies outside the space"
        chosen[name] = value
    here = full_parameters(spec, chosen)
    for name, value in full.items() if strict else ():
        if name not in here:
            return f"{name} is not a parameter of this study"
        if here[name] != value:
            return f"{name} is always {_shown(here[name])} in this study"
    return chosen


def _check(spec: Specification, older: Study) -> None:
    ours, theirs = spec.metric, older.spec.metric
    if (ours.name, ours.direction) != (theirs.name, theirs.direction):
        raise UsageError(
            f"{older.name} {theirs.direction}s {theirs.name}, and this study {ours.direction}s {ours.name}: its trials "
            "can't guide the search. Choose a study of the same metric."
        )
    if spec.sampler not in LEARNING:
        raise UsageError(
            f"The sampler {spec.sampler} learns nothing from the trials of {older.name}. "
            f"Use --sampler {' or '.join(LEARNING)}."
        )
    if older.spec.probe is not None or older.spec.sampler == "list":
        raise UsageError(
            f"{older.name} is no search, so it has no trials to learn from. Choose a study made by `sweep launch`."
        )
    if spec.is_open != older.spec.is_open:
        raise UsageError(
            f"{older.name} trains {older.spec.task.name}. An Optuna objective can only learn from trials of an Optuna "
            "objective, and any other task only from trials of a task with a space. Choose another study."
        )


def _why_hints(spec: Specification, older: Specification) -> list[str]:
    """Why values of the older study can't be compared with new ones; empty if they can."""
    reasons = []
    if spec.task.name != older.task.name or spec.task.kind != older.task.kind:
        reasons.append(f"another task, {older.task.name}")
    elif spec.task != older.task:
        reasons.append("the code of the task has changed")
    if spec.data.plan.name != older.data.plan.name:
        reasons.append(f"other data, {older.data.plan.name}")
    elif (spec.data.digest, spec.data.plan) != (older.data.digest, older.data.plan):
        reasons.append("other rows of the data")
    if spec.rounds != older.rounds and not spec.is_open:
        reasons.append(f"trials of {older.rounds} rounds, not {spec.rounds}")
    return reasons


def _sorted_out(
    spec: Specification, older: Study, *, strict: bool
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """The trials that fit, and the numbers of the others by the reason why they do not fit."""
    asked = _distributions(older) if spec.is_open else {}
    fitting, left_out = [], dict[str, list[int]]()
    for each in older.configurations():
        trial = each.trials[0]
        found = _observation(each)
        point = "it has no value" if found is None else point_in(spec, older.parameters(trial), strict=strict)
        if spec.is_open and found is not None:
            point = dict(trial.params)
            found["distributions"] = asked[trial.number]
        if isinstance(point, str):
            left_out.setdefault(point, []).append(trial.number)
        elif found is not None:
            fitting.append({"trial": trial.number, "params": point, **found})
    return fitting, left_out


def _observation(configuration: Configuration[TrialRow]) -> dict[str, Any] | None:
    """Value, state and rounds of a configuration; None if it has no value."""
    trials = configuration.trials
    if configuration.is_complete:
        return {"value": configuration.mean, "state": "COMPLETE", "rounds": trials[0].attributes["rounds"]}
    if len(trials) == 1 and trials[0].state == "PRUNED" and trials[0].value is not None:
        return {"value": trials[0].value, "state": "PRUNED", "rounds": trials[0].attributes["rounds"]}
    return None


def _inherited(spec: Specification, older: Study) -> list[dict[str, Any]]:
    """The observations that the older study took from its own predecessor, if they lie in the new space."""
    kept = []
    for each in older.spec.observations:
        point = point_in(spec, full_parameters(older.spec, each["params"]))
        if not isinstance(point, str):
            kept.append({"study": older.spec.warm_start["study"], **each, "params": point})
    return kept


def _distributions(older: Study) -> dict[int, dict[str, str]]:
    from optuna.distributions import distribution_to_json

    from storage.asked import read_asked

    return {
        number: {name: distribution_to_json(each) for name, each in asked.distributions.items()}
        for number, asked in read_asked(older.database.optuna, older.row.study_id).items()
    }


def _best_of(trials: list[dict[str, Any]], spec: Specification) -> list[dict[str, Any]]:
    """The completed trials, the best first; of several trials at one point, only the best."""
    complete = [each for each in trials if each["state"] == "COMPLETE"]
    complete.sort(key=lambda each: -spec.metric.oriented(each["value"]))
    return [
        each for k, each in enumerate(complete) if each["params"] not in [c["params"] for c in complete[:k]]
    ]


def _bounded(trials: list[dict[str, Any]], spec: Specification) -> list[dict[str, Any]]:
    """At most MOST_OBSERVATIONS trials, in their order: a third of them are the best, the others the latest."""
    if len(trials) <= MOST_OBSERVATIONS:
        return trials
    best = _best_of(trials, spec)[: MOST_OBSERVATIONS // 3]
    latest = trials[len(best) - MOST_OBSERVATIONS :]
    return [each for each in trials if each in best or each in latest]


def _choice(domain: Domain, value: Any) -> Any:
    """The name of the choice that stands for this value; the value itself if there is none."""
    if isinstance(domain, Categorical):
        return next((name for name, meaning in domain.meanings.items() if meaning == value), value)
    return value


def _listed(left_out: Mapping[str, list[int]]) -> str:
    lines = []
    for reason, numbers in left_out.items():
        shown = ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")
        lines.append(f"not used: trial{'s' * (len(numbers) > 1)} {shown}: {reason}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
