"""A replay: the exported configuration trained again and compared round by round."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives import DataError, Round, Splits, Task
from objectives.errors import ObjectiveError
from objectives.round import FIGURES
from sweeps.errors import UsageError
from sweeps.study.environment import decisive_differences, environment
from sweeps.trial.data_plan import DataPlan


@dataclass(frozen=True)
class Comparison:
    """A replayed round beside the recorded one. worst: the figure that differs most, with both values."""

    index: int
    equal: bool
    within_tolerance: bool
    worst: str = ""
    recorded: float = 0.0
    replayed: float = 0.0

    @property
    def difference(self) -> float:
        """Absolute."""
        return abs(self.replayed - self.recorded)


@dataclass(frozen=True)
class Replay:
    """A configuration, ready to be trained again.

    differs_here: what of the environment is not as recorded; empty where figures must be equal bit for bit.
    """

    config: dict[str, Any]
    task: Task
    splits: Splits
    parameters: Any
    differs_here: list[str]

    @property
    def must_be_equal(self) -> bool:
        """Whether every figure must come out the same, bit for bit."""
        return not self.differs_here

    def compare(self, tolerance: float) -> Iterator[Comparison]:
        """Train again, stop rule off, to the last recorded round, and compare round by round."""
        import torch

        from objectives.training.loop import make_deterministic, start_run, train

        recorded_environment = self.config["environment"]
        make_deterministic(int(recorded_environment["threads"]))
        run = start_run(
            self.task,
            self.parameters,
            self.splits,
            rounds=self.config["budget"],
            seed=self.config["seed"],
            device=torch.device(environment_device(recorded_environment)),
        )
        with contextlib.closing(run):
            for recorded, replayed in zip(self.config["rounds"], train(run), strict=False):
                yield _compare(recorded, replayed, tolerance)


def environment_device(recorded: Mapping[str, Any]) -> str:
    """The recorded kind of device where there is one here, else the CPU."""
    import torch

    return "cuda" if recorded.get("device") == "cuda" and torch.cuda.is_available() else "cpu"


def prepare_replay(config: dict[str, Any], data_root: Path) -> Replay:
    """Look up the task and data that a configuration names.

    Raises DataError when the rows are not those that were trained on.
    """
    from objectives.registry import get_task

    task = get_task(config["task"])
    try:
        parameters = task.parameters_from(config["parameters"])
    except ObjectiveError as error:
        raise UsageError(f"parameters: {error}") from None
    data = config["data"]
    plan = DataPlan.from_dict(data)
    splits = plan.load(task, data_root)
    if splits.digest != data["digest"]:
        raise DataError(
            f"{data['name']} in {data_root} has other rows than those this configuration was trained on "
            f"({_short(splits.digest)} instead of {_short(data['digest'])})."
        )
    recorded = config["environment"]
    here = environment(environment_device(recorded), int(recorded["threads"]))
    splits = plan.fold(task, splits, data.get("repeat", 0))
    return Replay(config, task, splits, parameters, decisive_differences(recorded, here))


def _short(digest: str) -> str:
    """What a digest of rows says of their part, with the start of the digest itself."""
    *part, sha = str(digest).split(" ")
    return " ".join([*part, f"{sha[:12]}…"])


def _compare(recorded: Mapping[str, Any], replayed: Round, tolerance: float) -> Comparison:
    figures = replayed.figures()
    worst, most, all_equal = "", -1.0, True
    for name in FIGURES:
        before, now = recorded[name], figures[name]
        if before is None or now is None or before != before or now != now:
            equal = repr(before) == repr(now)
            distance = 0.0 if equal else math.inf
        else:
            equal = before == now
            distance = abs(now - before) / max(1.0, abs(before)) if not equal else 0.0
        if not equal:
            all_equal = False
            if distance > most:
                worst, most = name, distance
    if all_equal:
        return Comparison(replayed.index, True, True)
    return Comparison(
        replayed.index,
        equal=False,
        within_tolerance=most <= tolerance,
        worst=worst,
        recorded=_number(recorded[worst]),
        replayed=_number(figures[worst]),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
