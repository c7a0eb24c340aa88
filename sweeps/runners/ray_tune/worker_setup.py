"""Sets up a worker on a node: loads the plan's task and data there, and records the environment."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps import paths
from sweeps.runners.make_worker import AnyWorker, make_worker
from sweeps.study.environment import environment
from sweeps.trial.work import WorkPlan

if TYPE_CHECKING:
    from sweeps.runners.packed_worker import PackedWorker


def settle(plan: WorkPlan, at_home: bool) -> tuple[AnyWorker, dict[str, Any]]:
    """A worker that has loaded its data, and the environment in which it trains. Raises what Worker raises.

    at_home: whether this is the driver's own node, so that the driver's data root is valid here.
    """
    return make_worker(_plan_here(plan, at_home), can_be_killed=True), _environment_here(plan)


def settle_packed(plan: WorkPlan, at_home: bool) -> tuple[PackedWorker, dict[str, Any]]:
    """As `settle`, but for a worker that trains several trials at once."""
    from sweeps.runners.packed_worker import PackedWorker

    # CUDA's default of 8 queues makes the streams of more trials wait for one another. It is read when CUDA starts.
    os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")
    return PackedWorker(_plan_here(plan, at_home), can_be_killed=True), _environment_here(plan)


def _plan_here(plan: WorkPlan, at_home: bool) -> WorkPlan:
    """The plan with this node's data root. Also changes to the plan's folder, if it exists here.

    A user's own code may read its data by relative paths.
    """
    if plan.sources is not None and Path(plan.folder).is_dir():
        os.chdir(plan.folder)
    return plan if at_home else dataclasses.replace(plan, data_root=str(_data_root(plan)))


def _environment_here(plan: WorkPlan) -> dict[str, Any]:
    """The environment of this process: what can change results."""
    return environment(plan.device, plan.threads, plan.sources)


def _data_root(plan: WorkPlan) -> Path:
    """The node's SWEEP_DATA_DIR; else the driver's data folder, if it exists here; else the node's cache."""
    if "SWEEP_DATA_DIR" not in os.environ and Path(plan.data_root).is_dir():
        return Path(plan.data_root)
    return paths.data_root(None)
