"""The specification of a study, which decides its table, and its fingerprint.

The number of trials, the workers, runner, storage, time limits and the study's name are not part of it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from objectives.seeding import derive_seed
from search_spaces import Space
from search_spaces.points import with_fixed
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric


@dataclass(frozen=True)
class TaskVersion:
    """What is trained, by name and version.

    kind: a task, a training function of a user's own, or an Optuna objective, which asks for its parameters as it runs.
    code: of a user's own code, a digest for each file, by its path from the folder of the code.
    """

    name: str
    version: str
    kind: Literal["task", "function", "optuna"] = "task"
    code: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored; what a task of ours does not have is left out."""
        record: dict[str, Any] = {"name": self.name, "version": self.version}
        if self.kind != "task":
            record["kind"] = self.kind
        return {**record, "code": dict(self.code)} if self.code else record


@dataclass(frozen=True)
class StudyData:
    """The rows of a study: which rows, their digest, and their number (before they are divided into folds)."""

    plan: DataPlan
    digest: str
    train_rows: int
    valid_rows: int

    def to_dict(self) -> dict[str, Any]:
        """The record to store: the plan and the rest in one mapping, folds last."""
        plan = self.plan.to_dict()
        folds = {"folds": plan.pop("folds")} if "folds" in plan else {}
        rows = {"train_rows": self.train_rows, "valid_rows": self.valid_rows}
        return {**plan, "digest": self.digest, **rows, **folds}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> StudyData:
        """The data that `record` came from."""
        plan = DataPlan.from_dict(record)
        return cls(plan, record["digest"], record["train_rows"], record["valid_rows"])


@dataclass(frozen=True)
class Specification:
    """Everything that can change the results of a study.

    metric: its `num_valid` is the data's `valid_rows`. space: in the order in which parameters are chosen.
    defaults: of the task, for parameters that are not in the space. enqueued: searched parameters of the trials after
    trial 0; with the sampler `list`, of all trials, which are run in turn, `repeats` times, each time with another seed
    (and fold, if there are folds). repeats: with another sampler, how many trials each configuration has, one after the
    other. rounds: largest number of a trial. parallelism: trial n depends on the trials 0 … n - parallelism. threads,
    gpus: of a trial. device: `cpu` or `cuda`. seeds_of: in a list, the trials of a search whose seeds are used; if that
    search has repeats, the repeats. stop_rule_version: of the stop rule; 1 in studies that are older than versions.
    probe: what is measured in place of a search, for guidance: its kind and settings; None for a search. guidance: by
    parameter, the study that narrowed its range before the search, and the range that it gave. warm_start: the copied
    trials of an older study, which the sampler sees from the start or of which the best are enqueued (see
    `sweeps.study.warm_start`).
    parameter, the study that narrowed its range before the search, and the range that it gave. schedule: which trial is
    trained next; `full` trains each to its end, any other pauses trials.
    """

    task: TaskVersion
    metric: Metric
    data: StudyData
    space: Space
    defaults: dict[str, Any]
    seed: int
    sampler: str
    stop_rule: str
    rounds: int
    parallelism: int
    threads: int
    gpus: float
    device: str
    enqueued: list[dict[str, Any]] = field(default_factory=list)
    precision: str = "float32"
    repeats: int = 1
    seeds_of: list[int] = field(default_factory=list)
    stop_rule_version: int = 1
    probe: dict[str, Any] | None = None
    guidance: dict[str, Any] = field(default_factory=dict)
    warm_start: dict[str, Any] = field(default_factory=dict)
    schedule: str = "full"

    def to_dict(self) -> dict[str, Any]:
        """The record to store, of JSON values only. What older studies lack is left out at its default."""
        chance = self.metric.chance
        record = {
            "task": self.task.to_dict(),
            "metric": {"name": self.metric.name, "chance": None if math.isnan(chance) else chance},
            "direction": self.metric.direction,
            "data": self.data.to_dict(),
            "space": self.space.to_dict(),
            **{name: getattr(self, name) for name in _PLAIN},
        }
        if not self.seeds_of:
            del record["seeds_of"]
        if self.stop_rule_version == 1:
            del record["stop_rule_version"]
        for name in ("probe", "guidance", "warm_start"):
            if not record[name]:
                del record[name]
        if not self.pauses:
            del record["schedule"]
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Specification:
        """The specification that `record` came from."""
        data, metric = StudyData.from_dict(record["data"]), record["metric"]
        return cls(
            task=TaskVersion(**record["task"]),
            metric=Metric(metric["name"], record["direction"], _chance(metric["chance"]), data.valid_rows),
            data=data,
            space=Space.from_dict(record["space"]),
            **{name: record[name] for name in _PLAIN if name in record},
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the specification, in hexadecimal. It depends on the order of the parameters in the space."""
        canonical = self.to_dict()
        canonical["space"] = list(canonical["space"].items())
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def observations(self) -> list[dict[str, Any]]:
        """Trials of an older study, with the keys `params`, `value`, `state` and more, that the sampler sees."""
        return list(self.warm_start["trials"]) if self.warm_start.get("as") == "observations" else []

    @property
    def probe_kind(self) -> str | None:
        """What is measured in place of a search; None for a search."""
        return None if self.probe is None else str(self.probe["kind"])

    @property
    def is_open(self) -> bool:
        """Whether parameters are asked for one by one, so that the space is not known before."""
        return self.task.kind == "optuna"

    @property
    def pauses(self) -> bool:
        """Whether trials are paused and go on later."""
        return self.schedule != "full"

    def point_of(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        """The searched values of a trial together with the fixed ones that were active."""
        return dict(searched) if self.is_open else with_fixed(self.space, searched)

    @property
    def trials_each(self) -> int:
        """How many trials each configuration has in a row: its repeats, but 1 in a list, which is run in turn."""
        return 1 if self.sampler == "list" else self.repeats

    @property
    def halts_folds(self) -> bool:
        """Whether the other folds of a configuration wait for its first one, and are left out where it is hopeless."""
        return self.data.plan.folds > 0 and self.trials_each > 1 and self.stop_rule != "none"

    def repeat_of(self, number: int) -> int:
        """The number of the repeat of a trial, from 0. Where a configuration has several trials, they know it."""
        if self.seeds_of:
            return self.seeds_of[number % len(self.seeds_of)] if self.repeats > 1 else 0
        return number // len(self.enqueued) if self.sampler == "list" else 0

    def seed_of(self, number: int, repeat: int | None = None) -> int:
        """The seed of a trial. Trials of the same repeat have the same seed, whatever their configuration.

        repeat: of a trial whose configuration has several; `repeat_of` if not given.
        """
        if self.repeats > 1:
            return derive_seed(self.seed, "repeat", self.repeat_of(number) if repeat is None else repeat)
        if self.seeds_of:
            return derive_seed(self.seed, "trial", self.seeds_of[number % len(self.seeds_of)])
        if self.sampler == "list":
            return derive_seed(self.seed, "repeat", self.repeat_of(number))
        return derive_seed(self.seed, "trial", number)


def _chance(stored: float | None) -> float:
    return math.nan if stored is None else stored


# The fields that are JSON values already.
_TYPED = ("task", "metric", "data", "space")
_PLAIN = tuple(each.name for each in fields(Specification) if each.name not in _TYPED)


def full_parameters(spec: Specification, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a trial: the chosen ones, and defaults for the others.

    A switch whose condition does not hold is off. Any other parameter whose condition does not hold has its default.
    """
    if spec.is_open:
        return dict(chosen)
    values = dict(spec.defaults)
    for parameter in spec.space:
        if parameter.name in chosen:
            values[parameter.name] = parameter.domain.meaning(chosen[parameter.name])
        elif isinstance(values.get(parameter.name), bool):
            values[parameter.name] = False
    return values


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The differences between two specifications, one line for each: `key: theirs -> ours`."""
    lines = []
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        before, now = theirs.get(key), ours.get(key)
        if before == now and list(_keys(before)) == list(_keys(now)):
            continue
        name = f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(now, dict):
            lines += differences(now, before, f"{name}.") or [f"{name}: the same entries, in another order"]
        else:
            lines.append(f"{name}: {json.dumps(before)} -> {json.dumps(now)}")
    return lines


def _keys(value: Any) -> Any:
    return value.keys() if isinstance(value, dict) else ()
