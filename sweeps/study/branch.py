"""Plans a new study from an older one with a changed space. Old trials inside the new space become observations."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from objectives import Task
from sweeps.errors import UsageError
from sweeps.study.continuity import check_unchanged
from sweeps.study.own_space import overridden_own_space
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_again
from sweeps.study.space_fit import overridden_space
from sweeps.study.stored_study import Study
from sweeps.study.warm_start import LEARNING, warm_started


def plan_branch(
    older: Study, overrides: tuple[str, ...], data_root: Path, *, gpus_elsewhere: bool = False
) -> Planned:
    """The plan of a new study that is like `older`, but whose space is changed by `overrides`.

    Raises UsageError if nothing changes, if the study can't be branched, or if its task or data have changed.
    """
    spec = older.spec
    if spec.is_open:
        raise UsageError(
            f"{older.name} can't be branched: the code of an Optuna objective sets the ranges. Change them in the "
            f"code, and launch the changed objective with --warm-start {older.name}."
        )
    if spec.probe is not None or spec.sampler not in LEARNING:
        what = (
            "is a learning-rate range test"
            if spec.probe is not None
            else f"was searched by {spec.sampler}, which learns nothing from trials"
        )
        raise UsageError(
            f"{older.name} can't be branched: it {what}. Launch a new study with the changed space, or branch a study "
            f"of --sampler {' or '.join(LEARNING)}."
        )
    now = plan_again(spec, older.run.task, data_root, gpus_elsewhere=gpus_elsewhere)
    check_unchanged(older.row, now, f"Undo the change, or launch a new study with --warm-start {older.name}.")
    if isinstance(now.subject, Task):
        space = overridden_space(now.subject, spec.space, overrides)
    else:
        assert now.code is not None
        space = overridden_own_space(spec.space, now.code, overrides)
    if space == spec.space:
        more = older.command("resume", "-n", str(2 * older.num_trials))
        raise UsageError(f"This changes nothing in the space of {older.name}. To train more trials: {more}")
    if not space.searched:
        raise UsageError(
            "Every parameter is fixed, so there is nothing to search. Give at least one of them a range."
        )
    plan = dataclasses.replace(
        now, spec=dataclasses.replace(spec, space=space, enqueued=[], guidance={}, warm_start={})
    )
    return warm_started(plan, older, kind="branch")
