"""What a study's table is a function of, and the fingerprint of that.

Number of trials, workers, runner, storage, time limits and the study's name are not part of it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from objectives.seeding import derive_seed
from search_spaces import Space
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric


@dataclass(frozen=True)
class Specification:
    """The whole of what decides a study's figures.

    space: as in YAML, in the order in which parameters are chosen; defaults: the task's, for what the space does not
    name. enqueued: searched parameters of the trials after trial 0; with the sampler `list`, of all trials, in turn
    and again up to `repeats` times, each time with another seed (and fold, where the data are folded). rounds: a
    trial's budget. parallelism: trial n is decided by the trials 0 … n - parallelism. threads, gpus: per trial.
    device: `cpu` or `cuda`. seeds_of: in a list, the trials of a search whose seeds they have.
    """

    task: dict[str, str]  # name, version
    metric: dict[str, Any]
    direction: str
    data: dict[str, Any]  # name, digest, rows
    space: dict[str, Any]
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

    def to_dict(self) -> dict[str, Any]:
        """As it is stored: JSON values only; `seeds_of` only where there are any, as in studies that never had it."""
        record = asdict(self)
        if not self.seeds_of:
            del record["seeds_of"]
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Specification:
        """The specification that `record` came from."""
        return cls(**record)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the specification, in hexadecimal; the order of the space's parameters counts."""
        canonical = self.to_dict()
        canonical["space"] = list(canonical["space"].items())
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def repeat_of(self, number: int) -> int:
        """Which time the parameters of a trial are trained, from 0."""
        return number // len(self.enqueued) if self.sampler == "list" else 0

    def seed_of(self, number: int) -> int:
        """The seed of a trial; in a list, the same for all that are trained for the same time."""
        if self.seeds_of:
            return derive_seed(self.seed, "trial", self.seeds_of[number % len(self.seeds_of)])
        if self.sampler == "list":
            return derive_seed(self.seed, "repeat", self.repeat_of(number))
        return derive_seed(self.seed, "trial", number)

    @property
    def data_plan(self) -> DataPlan:
        """Which rows of which data set."""
        return DataPlan.from_dict(self.data)

    @functools.cached_property
    def parsed_space(self) -> Space:
        """The space as it is searched. (JSON is YAML.)"""
        from search_spaces.reader import parse_space

        return parse_space(json.dumps({"space": self.space}, ensure_ascii=False), "the study's space")

    @functools.cached_property
    def parsed_metric(self) -> Metric:
        """The metric, its direction and what chance would score."""
        return Metric(
            name=self.metric["name"],
            direction="maximize" if self.direction == "maximize" else "minimize",
            chance=self.metric["chance"],
            num_valid=self.data["valid_rows"],
        )


def full_parameters(spec: Specification, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a trial: what was chosen, and defaults for the rest.

    A switch whose condition does not hold is off; another parameter whose condition does not hold keeps
    its default.
    """
    values = dict(spec.defaults)
    for name in spec.space:
        if name in chosen:
            values[name] = chosen[name]
        elif isinstance(values.get(name), bool):
            values[name] = False
    return values


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two specifications, a line each: `key: theirs -> ours`."""
    lines = []
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        before, now = theirs.get(key), ours.get(key)
        if before == now and list(_keys(before)) == list(_keys(now)):
            continue
        name = f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(now, dict):
            lines += differences(now, before, f"{name}.") or [f"{name}: the same entries in another order"]
        else:
            lines.append(f"{name}: {json.dumps(before)} -> {json.dumps(now)}")
    return lines


def _keys(value: Any) -> Any:
    return value.keys() if isinstance(value, dict) else ()
