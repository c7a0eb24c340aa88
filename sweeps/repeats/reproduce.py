"""Trains published configurations and their variants, and compares the results with the published ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from objectives import Task
from objectives.published import Published, Variant
from objectives.registry import get_task, task_reference
from objectives.spelling import did_you_mean
from sweeps import paths
from sweeps.errors import UsageError
from sweeps.launching import Watcher
from sweeps.pruning.rules import RULES, stands_alone
from sweeps.repeats.significance import Spread
from sweeps.settings import RunSettings, StudySettings, check_repeats, check_stop_rule
from sweeps.study.planned import Planned
from sweeps.study.planning import check_data, choose_data, plan_point
from sweeps.study.stored_study import Study
from sweeps.sweep import Result, run_planned
from sweeps.trial.data_plan import DataPlan


@dataclass(frozen=True)
class Reproduction:
    """What to reproduce.

    variant: None for the configuration as it was published. data: None for the first data set that is available.
    fraction: the share of the published rows. seeds: the number of repeats. rounds: None for the published number.
    """

    task: str
    variant: str | None = None
    data: str | None = None
    fraction: float = 1.0
    seeds: int = 1
    seed: int = 0
    rounds: int | None = None
    stop_rule: str = "none"
    cpus: int = 1
    gpus: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise UsageError(f"--data-fraction {self.fraction:g} must be above 0 and at most 1.")
        check_stop_rule("--stop-rule", self.stop_rule)
        if not stands_alone(self.stop_rule):
            alone = ", ".join(name for name in RULES if stands_alone(name))
            raise UsageError(
                f"--stop-rule {self.stop_rule}: a reproduction has no other trials to compare with. "
                f"Choose from: {alone}."
            )
        check_repeats("--seeds", self.seeds)


def reproduce(
    wanted: Reproduction,
    *,
    run: RunSettings | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> Result:
    """Train the configuration in a study of its own, or continue that study. `beside` gives the results."""
    run = dataclasses.replace(run or RunSettings(), task=task_reference(wanted.task), num_trials=None)
    planned = plan_reproduction(wanted, paths.data_root(run.data_dir))
    name = f"{planned.task.name}-{wanted.variant or 'published'}-{planned.spec.fingerprint[:8]}"
    return run_planned(planned, run, study=name, storage=storage, watcher=watcher)


def plan_reproduction(wanted: Reproduction, data_root: Path) -> Planned:
    """The plan to train the configuration `seeds` times. Raises UsageError if no such configuration was published."""
    task = get_task(wanted.task)
    published, variant = published_for(task), variant_for(task, wanted.variant)
    parameters = {**published.parameters, **(variant.parameters if variant else {})}
    settings = StudySettings(
        wanted.task,
        stop_rule=wanted.stop_rule,
        seed=wanted.seed,
        rounds=(variant and variant.rounds) or published.rounds if wanted.rounds is None else wanted.rounds,
        cpus_per_trial=wanted.cpus,
        gpus_per_trial=wanted.gpus,
    )
    data = wanted.data or choose_data(task, data_root)
    check_data(task, data)
    plan = DataPlan(data, published=True, fraction=wanted.fraction)
    point = dataclasses.asdict(task.parameters_from(parameters))
    return plan_point(settings, task, plan, point, repeats=wanted.seeds, data_root=data_root)


def published_for(task: Task) -> Published:
    """The published results of a task. Raises UsageError if there are none."""
    if task.published is None:
        raise UsageError(f"No published results are known for {task.name}, so there is nothing to reproduce.")
    return task.published


def variant_for(task: Task, name: str | None) -> Variant | None:
    """The variant of this name. If there is none, raises UsageError with a list of all variants."""
    variants = published_for(task).variants
    if name is None:
        return None
    if name not in variants:
        known = "\n".join(f"  {key}: {variant.note}" for key, variant in variants.items())
        raise UsageError(
            f"{task.name} has no variant {name!r}{did_you_mean(name, variants)}"
            + (f" It has:\n{known}" if known else " It has none.")
        )
    return variants[name]


COLUMNS = ("round", "figure", "published", "ours", "std", "seeds", "difference")


def beside(study: Study, published: Published, variant: Variant | None = None) -> list[dict[str, Any]]:
    """The published results by round, each with mean and standard deviation of ours. The last round is always included.

    variant: the variant that was trained; None for none. It is compared only with its own published results, at the
    same rounds.
    """
    rounds = study.rounds()
    if rounds.empty:
        return []
    last = int(rounds["index"].max())
    known = published.curve if variant is None else variant.curve
    both = [*published.curve.values(), *known.values()]
    figures = list(dict.fromkeys(name for given in both for name in given))
    wanted = {index: known.get(index, {}) for index in (*published.curve, *known, last)}
    rows = []
    for index, given in sorted(wanted.items()):
        at_round = rounds[rounds["index"] == index]
        for name in figures or ["train_score", "valid_score"]:
            rows.append(_row(index, name, given.get(name), at_round[name]))
    return [row for row in rows if row["seeds"]]


def _row(index: int, name: str, published: float | None, ours: pd.Series[float]) -> dict[str, Any]:
    spread = Spread.of(list(ours)) if len(ours) else None
    mean = None if spread is None else spread.mean
    return {
        "round": index,
        "figure": name,
        "published": published,
        "ours": mean,
        "std": None if spread is None or spread.count < 2 else spread.std,
        "seeds": 0 if spread is None else spread.count,
        "difference": None if mean is None or published is None else mean - published,
    }
