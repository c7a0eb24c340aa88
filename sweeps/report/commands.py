"""The text of the command that runs a study again."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

from search_spaces import built_in_space_path, read_space
from sweeps.settings import StudySettings
from sweeps.study.stored_study import Study

SPACE_FILE = "space.yaml"


def uses_own_space(study: Study) -> bool:
    """Whether the study searches another space than the task's own, so that the command must name a space file."""
    shipped = built_in_space_path(study.spec.task.name)
    return shipped is None or read_space(shipped).to_dict() != study.spec.space.to_dict()


def launch_command(study: Study) -> str:
    """The `sweep launch` command that gives the same table of trials.

    If the study has a space of its own, the command reads it from a file called `space.yaml`.
    """
    spec, plan = study.spec, study.spec.data.plan
    usual: dict[str, Any] = {each.name: each.default for each in fields(StudySettings)}
    in_code = spec.task.kind != "task"  # there the data and the space are part of the code
    given = {
        "data": None if in_code else plan.name,
        "space": SPACE_FILE if not in_code and uses_own_space(study) else None,
        "sampler": spec.sampler,
        "stop_rule": spec.stop_rule,
        "schedule": spec.schedule,
        "rounds": None if spec.is_open else spec.rounds,
        "seed": spec.seed,
        "parallelism": spec.parallelism,
        "cpus_per_trial": spec.threads,
        "gpus_per_trial": spec.gpus or None,
        "train_rows": plan.most_train_rows,
        "valid_rows": plan.most_valid_rows,
    }
    words = ["sweep", "launch", str(study.run.task or spec.task.name)]
    for name, value in given.items():
        if value is not None and value != usual.get(name):
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            words += [f"--{name.replace('_', '-')}", shown]
    words += ["-n", str(study.num_trials)]
    return shlex.join(words) + study.storage_option
