"""Checks that the nodes of a cluster can train a study: with the same code, rows and kind of hardware."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sweeps.driver.termination import Termination
from sweeps.errors import UsageError
from sweeps.runners.ray_tune import node_check as probe
from sweeps.runners.ray_tune.ray_import import NodeAffinitySchedulingStrategy, ray
from sweeps.runners.ray_tune.start_watch import REMEDY, START_TIMEOUT_SECONDS
from sweeps.study.environment import hardware_differences, software_differences, versions
from sweeps.trial.work import WorkPlan

POLL_SECONDS = 0.2  # pause between checks of the termination while nodes load their data


@dataclass(frozen=True, eq=False)
class Node:
    """A live node of the cluster, as Ray describes it."""

    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Ray's id of the node."""
        return str(self.record["NodeID"])

    @cached_property
    def name(self) -> str:
        """The host name, followed by address and id, which distinguish nodes of the same name."""
        return f"{self.record['NodeManagerHostname']} ({self.record['NodeManagerAddress']}, {self.id[:8]})"

    @property
    def accelerator(self) -> str:
        """The kind of GPU that Ray has found; empty if there is no GPU, or only an unknown one."""
        kinds = [name for name in self.record["Resources"] if name.startswith("accelerator_type:")]
        return ", ".join(sorted(kind.partition(":")[2] for kind in kinds))

    def can_hold(self, cpus: int, gpus: float) -> bool:
        """Whether a trial that needs so many CPUs and GPUs fits on the node when it is otherwise empty."""
        there = self.record["Resources"]
        return bool(there.get("CPU", 0) >= cpus and there.get("GPU", 0) >= gpus)


def live_nodes() -> list[Node]:
    """The live nodes, in the order of their names."""
    return sorted((Node(record) for record in ray.nodes() if record["Alive"]), key=lambda node: node.name)


def name_of(node: str) -> str:
    """The name of the live node with this id; else the id."""
    return next((each.name for each in live_nodes() if each.id == node), node)


def trained_in(environments: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the environments in which trials were trained, in order."""
    return [record for record in environments.values() if record.get("trains", True)]


def check_nodes(
    plan: WorkPlan,
    gpus: float,
    known: Iterable[Mapping[str, Any]],
    *,
    mixed: bool,
    termination: Termination,
    timeout_seconds: float = START_TIMEOUT_SECONDS,
) -> Mapping[str, Any]:
    """Check every node that is large enough for a trial. Returns the environment that all nodes must have.

    Raises UsageError, which says for each unsuitable node what to do.

    known: environments in which trials of the study were trained. mixed: whether hardware may differ. timeout_seconds:
    the time in which a node must load the study's code and data.
    """
    home = ray.get_runtime_context().get_node_id()
    asked = [node for node in live_nodes() if node.id == home or node.can_hold(plan.threads, gpus)]
    answers = _answers(asked, plan, home, termination, timeout_seconds)
    live = live_nodes()
    able = [node for node in live if node.can_hold(plan.threads, gpus) and node.id in answers]
    if not able:
        needed = f"{plan.threads} CPU" + (f" and {gpus:g} GPU" if gpus else "")
        there = "; ".join(f"{node.name} has {_held(node)}" for node in live)
        raise UsageError(f"No node of the cluster has room for a trial, which needs {needed}: {there}.")
    complaints = {node.name: _complaint(*answers[node.id]) for node in live if node.id in answers}
    usual = next(iter(known), answers[able[0].id][1])
    if not any(complaints.values()):
        complaints = {node.name: other_environment(usual, answers[node.id][1], mixed=mixed) for node in able}
    if plan.device != "cpu" and not mixed and not any(complaints.values()):
        complaints = {node.name: _other_accelerator(able[0], node) for node in able}
    if any(complaints.values()):
        told = "\n".join(f"  node {name}: {complaint}" for name, complaint in complaints.items() if complaint)
        raise UsageError(f"The cluster can't train this study:\n{told}")
    return usual


def _answers(
    nodes: Iterable[Node], plan: WorkPlan, home: str, termination: Termination, timeout_seconds: float
) -> dict[str, tuple[str, Any]]:
    """The answer of each node, by its id: see `node_check.look`; ("no answer", a message) if the check breaks off."""
    ray.cloudpickle.register_pickle_by_value(probe)
    try:
        look = ray.remote(num_cpus=0, max_retries=0)(probe.look)
        packed = ray.cloudpickle.dumps(plan)
        asked = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)).remote(
                plan.code, packed, node.id == home
            ): node.id
            for node in nodes
        }
    finally:
        ray.cloudpickle.unregister_pickle_by_value(probe)
    answers: dict[str, tuple[str, Any]] = {}
    waiting, deadline = list(asked), time.monotonic() + timeout_seconds
    while waiting and time.monotonic() < deadline:
        termination.raise_if_interrupted()
        ready, waiting = ray.wait(waiting, timeout=POLL_SECONDS)
        for answer in ready:
            try:
                answers[asked[answer]] = ray.get(answer)
            except ray.exceptions.RayError as error:
                answers[asked[answer]] = ("no answer", str(error).strip().splitlines()[0])
    for answer in waiting:
        answers[asked[answer]] = ("no answer", f"it did not answer within {timeout_seconds:g} s. {REMEDY}")
    return answers


def _complaint(kind: str, said: Any) -> str | None:
    ours = versions()["onset-sweeps"]
    match kind:
        case "ready":
            return None
        case "no package":
            return (
                f"onset-sweeps is not installed for the Python of Ray on this node ({said}). Install version {ours} "
                "there."
            )
        case "other code":
            return (
                f"the code of onset-sweeps on this node ({said}) differs from the driver's. Install version {ours} on "
                "every machine."
            )
    return str(said)


def other_environment(usual: Mapping[str, Any], there: Mapping[str, Any], *, mixed: bool) -> str | None:
    """The complaint about a node in the environment `there`, if its results may differ from `usual`; else None."""
    if lines := software_differences(usual, there):
        return f"its software can change results ({'; '.join(lines)}). Make it the same on every machine."
    if not mixed and (lines := hardware_differences(usual, there)):
        return _may_differ("; ".join(lines))
    return None


def _other_accelerator(first: Node, node: Node) -> str | None:
    if first.accelerator == node.accelerator:
        return None
    return _may_differ(f"GPU: {first.accelerator or 'unknown'} -> {node.accelerator or 'unknown'}")


def _may_differ(how: str) -> str:
    return (
        f"its hardware can change results ({how}). Remove the node from the cluster, or allow it with "
        "--mixed-hardware: then each trial records the hardware that it was trained on."
    )


def _held(node: Node) -> str:
    there = node.record["Resources"]
    return f"{there.get('CPU', 0):g} CPU, {there.get('GPU', 0):g} GPU"
