"""The text of the command that runs a study again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sweeps.settings import StudySettings
from sweeps.study.stored_study import Study

SPACE_FILE = "space.yaml"


def uses_own_space(study: Study) -> bool:
    """Whether the study searches another space than the task's own, so that the command must name a space file."""
    from search_spaces import built_in_space_path, read_space  # reads YAML, which most commands don't need

    shipped = built_in_space_path(study.spec.task.name)
    return shipped is None or read_space(shipped).to_dict() != study.spec.space.to_dict()


def launch_command(study: Study) -> str:
    """The `sweep launch` command that gives the same table of trials.

    If the study has a space of its own, the command reads it from a file called `space.yaml`.
    """
    in_code = study.spec.task.kind != "task"  # there the space is part of the code
    space = {"space": SPACE_FILE if not in_code and uses_own_space(study) else None}
    words = [
        "sweep",
        "launch",
        str(study.run.task or study.spec.task.name),
        *words_of(space | unusual(study)),
    ]
    return shlex.join([*words, "-n", str(study.num_trials)]) + study.storage_option


def unusual(study: Study) -> dict[str, Any]:
    """The settings of a launch, besides its space, that differ from the usual ones, by the names of StudySettings."""
    spec, plan = study.spec, study.spec.data.plan
    usual: dict[str, Any] = {each.name: each.default for each in fields(StudySettings)}
    given = {
        "data": None if spec.task.kind != "task" else plan.name,  # else the data are part of the code
        "sampler": spec.sampler,
        "stop_rule": spec.stop_rule,
        "schedule": spec.schedule,
        "rounds": None if spec.is_open else spec.rounds,
        "seed": spec.seed,
        "parallelism": spec.parallelism,
        "cpus_per_trial": spec.threads,
        "gpus_per_trial": spec.gpus or None,
        "folds": plan.folds or None,
        "repeats": max(1, spec.trials_each // max(1, plan.folds)),
        "train_rows": plan.most_train_rows,
        "valid_rows": plan.most_valid_rows,
    }
    return {name: value for name, value in given.items() if value is not None and value != usual[name]}


def words_of(options: Mapping[str, Any]) -> list[str]:
    """Options as they are typed; those that are None are left out."""
    words = []
    for name, value in options.items():
        if value is not None:
            words += [option_of(name), f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def option_of(name: str) -> str:
    """The option of a field of StudySettings."""
    return f"--{name.replace('_', '-')}"
