"""Sets up a worker on a node: finds the plan's task and data there, and reads the environment."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from sweeps import paths
from sweeps.runners.make_worker import AnyWorker, make_worker
from sweeps.study.environment import environment
from sweeps.trial.work import WorkPlan


def settle(plan: WorkPlan, at_home: bool) -> tuple[AnyWorker, dict[str, Any]]:
    """A worker that has loaded its data, and the environment that it trains in. Raises what Worker raises.

    at_home: whether this is the driver's own node, whose data root is the driver's.
    """
    here = plan if at_home else dataclasses.replace(plan, data_root=str(_data_root(plan)))
    return make_worker(here, can_be_killed=True), environment(plan.device, plan.threads, plan.sources)


def _data_root(plan: WorkPlan) -> Path:
    """The node's SWEEP_DATA_DIR; else the driver's data folder, if it exists here; else the node's cache."""
    if "SWEEP_DATA_DIR" not in os.environ and Path(plan.data_root).is_dir():
        return Path(plan.data_root)
    return paths.data_root(None)
