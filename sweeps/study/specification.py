"""The specification of a study, and its fingerprint. The specification alone decides the study's table of trials.

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

    kind: a task, a user's own training function, or an Optuna objective, which asks for its parameters as it runs.
    code: the digest of each file of a user's own code, by the file's path relative to the folder of the code.
    """

    name: str
    version: str
    kind: Literal["task", "function", "optuna"] = "task"
    code: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The record to store. A registered task has neither `kind` nor `code` in it."""
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
    defaults: the task's, for parameters that are not in the space. enqueued: the searched parameters of the trials that
    follow trial 0. With the sampler `list`, these are the parameters of all trials: the list is run `repeats` times,
    each time with another seed (and fold, if there are folds). repeats: with another sampler, how many trials each
    configuration has, one after the other. rounds: the most rounds of a trial. parallelism: trial n depends on the
    trials 0 … n - parallelism. threads, gpus: for each trial. device: `cpu` or `cuda`. seeds_of: with the sampler
    `list`, the numbers of the search's trials (its repeats, if it has any) whose seeds are used. stop_rule_version: 1
    in studies that were stored before stop rules had versions. probe: kind and settings of the measurement that the
    study makes for guidance; None for a search. guidance: for each parameter whose range another study narrowed before
    the search, that study and the range. warm_start: the copied trials of an older study; the sampler sees them from
    the start, or the best of them are enqueued (see `sweeps.study.warm_start`). schedule: the rule that chooses which
    trial is trained next; `full` trains each trial to its end, any other schedule pauses trials.
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
        """The record to store, of JSON values only. It omits a field that older studies lack if it has its default."""
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
        """The kind of measurement that the study makes; None for a search."""
        return None if self.probe is None else str(self.probe["kind"])

    @property
    def is_open(self) -> bool:
        """Whether an Optuna objective is trained. It asks for parameters as it runs; the space is not known before."""
        return self.task.kind == "optuna"

    @property
    def pauses(self) -> bool:
        """Whether the schedule pauses trials and continues them later."""
        return self.schedule != "full"

    def point_of(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        """The searched values of a trial together with the fixed ones that were active."""
        return dict(searched) if self.is_open else with_fixed(self.space, searched)

    @property
    def trials_each(self) -> int:
        """How many consecutive trials each configuration has: `repeats`; but 1 with the sampler `list`."""
        return 1 if self.sampler == "list" else self.repeats

    @property
    def halts_folds(self) -> bool:
        """Whether a configuration's other folds wait for the first one, and are not trained if that one is hopeless."""
        return self.data.plan.folds > 0 and self.trials_each > 1 and self.stop_rule != "none"

    def repeat_of(self, number: int) -> int:
        """Which repeat a trial is, from 0. If configurations have several trials, read it from the trial's record."""
        if self.seeds_of:
            return self.seeds_of[number % len(self.seeds_of)] if self.repeats > 1 else 0
        return number // len(self.enqueued) if self.sampler == "list" else 0

    def seed_of(self, number: int, repeat: int | None = None) -> int:
        """The seed of a trial. Trials of the same repeat have the same seed, whatever their configuration.

        repeat: which repeat of its configuration the trial is, from 0; `repeat_of(number)` if not given.
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
