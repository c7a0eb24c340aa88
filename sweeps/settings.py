"""The settings of a user. They are checked once, and each message names the option."""

from __future__ import annotations

import math
import os
import re
import reprlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectives.spelling import did_you_mean
from sweeps.argument_types import check_types
from sweeps.errors import UsageError
from sweeps.pruning.rules import RULES, stands_alone
from sweeps.schedule.names import SCHEDULES

if TYPE_CHECKING:
    from search_spaces import Space

# Increased with each change of a rule's verdicts, or of what is recorded for a trial that it halts.
STOP_RULE_VERSIONS = {name: 3 for name in RULES if name != "none"}
RUNNERS = ("ray", "inline")
MOST = 1_000_000_000  # the largest count of anything: below the largest integer of a database
MOST_REPEATS = 10_000
MOST_PER_GPU = 64
_COUNT = re.compile("[1-9][0-9]{0,9}")
_STUDY_NAME = re.compile(r"\w[\w.-]{0,99}")  # also the name of the study's folder


@dataclass(frozen=True)
class StudySettings:
    """The settings that decide the results of a study; see Specification.

    task: its name, `FILE.py:NAME`, or the Task class or function itself. space: a YAML file, a mapping as in
    `@sweeps.objective`, or the space of a stored study; None for the task's own space. overrides: `key=value` and
    `key=lo..hi`, or a mapping from key to value. gpus_per_trial: None for one GPU if CUDA is available, else for none.
    data: None for the best available data set. train_rows, valid_rows: use at most this many; None for all. rounds:
    None for the task's own number. repeats: how often each configuration is trained, each time from another seed.
    folds: None for the validation split; else the rows are divided into so many parts, and each part validates once.
    guidance: see Specification. warm_start: the name of an older study whose trials are copied; None for none.
    """

    task: str
    overrides: tuple[str, ...] = ()
    space: Path | Mapping[str, Any] | Space | None = None
    sampler: str = "tpe"
    stop_rule: str = "onset"
    schedule: str = "full"
    seed: int = 0
    rounds: int | None = None
    parallelism: int = 4
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    enqueue: tuple[Path, ...] = ()
    data: str | None = None
    train_rows: int | None = None
    valid_rows: int | None = None
    guidance: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 1
    folds: int | None = None
    warm_start: str | None = None

    def __post_init__(self) -> None:
        self._take_as_written()
        check_types(self)
        check_repeats("--repeats", self.repeats)
        if self.folds is not None:
            _check_at_least("--folds", self.folds, 2)
            check_repeats("--folds times --repeats", self.folds * self.repeats)
        check_stop_rule("--stop-rule", self.stop_rule)
        check_word("--schedule", self.schedule, SCHEDULES)
        if self.schedule != "full":
            self._check_pausing()
        if self.data == "":
            raise UsageError("--data names no data set. Name one, or remove the option.")
        _check_at_least("--parallelism", self.parallelism, 1)
        _check_at_least("--cpus-per-trial", self.cpus_per_trial, 1)
        for option, count in (
            ("--rounds", self.rounds),
            ("--train-rows", self.train_rows),
            ("--valid-rows", self.valid_rows),
        ):
            if count is not None:
                _check_at_least(option, count, 1)
        if self.gpus_per_trial is not None:
            _check_at_least("--gpus-per-trial", self.gpus_per_trial, 0)
            if self.gpus_per_trial > 1 and not float(self.gpus_per_trial).is_integer():
                raise UsageError(
                    f"--gpus-per-trial {self.gpus_per_trial:g} must be a part of one GPU (0.25) "
                    "or a whole number of GPUs (2)."
                )

    def _check_pausing(self) -> None:
        if self.repeats > 1 or self.folds is not None:
            raise UsageError(
                f"--schedule {self.schedule} can't be used with --repeats or --folds, because the trials of a "
                "configuration are compared by their mean, and must be trained to their ends. Remove one of the two."
            )
        if not stands_alone(self.stop_rule):
            raise UsageError(
                f"--stop-rule {self.stop_rule} compares trials that have ended, but --schedule {self.schedule} pauses "
                "trials. Use --stop-rule onset or none."
            )
        if self.sampler == "grid":
            raise UsageError(
                f"--sampler grid compares its cells after all their rounds, but --schedule {self.schedule} pauses "
                "trials. Remove one of the two."
            )

    def _take_as_written(self) -> None:
        """Convert what a Python call may give: code to its name, text to paths, lists and mappings to tuples."""
        given: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        taken: dict[str, Any] = {}
        if not isinstance(given["task"], str):
            from objectives.reference import reference_of

            taken["task"] = reference_of(given["task"])
        if isinstance(given["space"], str):
            taken["space"] = Path(given["space"])
        if isinstance(overrides := given["overrides"], Mapping):
            taken["overrides"] = tuple(f"{key}={_written(value)}" for key, value in overrides.items())
        elif isinstance(overrides, list):
            taken["overrides"] = tuple(overrides)
        if isinstance(enqueue := given["enqueue"], list | tuple):
            taken["enqueue"] = tuple(Path(each) if isinstance(each, str) else each for each in enqueue)
        for name, value in taken.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class RunSettings:
    """How a study is run. These settings change no result, and may be changed when a study is resumed.

    task: where to find the task, for a user's own file. num_trials: the number of trials in total; None for 20, or for
    all cells of a grid. timeout_seconds: for the whole run. target: the study ends when the metric reaches this value.
    workers: None for as many as fit on the machine. trial_timeout_seconds: for each trial. start_timeout_seconds: the
    time in which a worker must find a place and load its code and data; None for ten minutes. max_failures: the run
    ends after this many failed trials in a row. keep_weights: `top:K`, `all` or `none`. checkpoint_seconds: how often
    the state of a running trial is saved, in seconds. address: the address of a Ray cluster; `local` to start Ray on
    this machine; None for RAY_ADDRESS, else local. mixed_hardware: whether the nodes may differ in ways that can change
    results. trials_per_gpu: how many trials one process trains at once on a GPU, or `auto`; None for one.
    """

    task: str = ""
    num_trials: int | None = None
    timeout_seconds: float | None = None
    target: float | None = None
    workers: int | None = None
    runner: str = "ray"
    trial_timeout_seconds: float | None = None
    start_timeout_seconds: float | None = None
    max_failures: int = 3
    keep_weights: str = "top:5"
    checkpoint_seconds: float = 60.0
    data_dir: str | None = None
    out: str | None = None
    address: str | None = None
    mixed_hardware: bool = False
    trials_per_gpu: int | str | None = None

    def __post_init__(self) -> None:
        for name in ("data_dir", "out"):
            if isinstance(value := getattr(self, name), Path):
                object.__setattr__(self, name, str(value))
        check_types(self)
        check_word("--runner", self.runner, RUNNERS)
        self._take_trials_per_gpu()
        if self.runner == "inline" and self.address not in (None, "local"):
            raise UsageError(
                "--address can only be used with --runner ray, because --runner inline trains in this process."
            )
        if self.cluster is not None and "://" in self.cluster:
            raise UsageError(
                f"--address {self.cluster}: this must be HOST:PORT of the cluster's head, or auto. The command must "
                "run on a node of the cluster; `ray start --address=HOST:PORT --num-cpus=0` makes this machine a node."
            )
        if self.num_trials is not None:
            _check_at_least("--n-trials", self.num_trials, 1)
        if self.workers is not None:
            _check_at_least("--workers", self.workers, 1)
        _check_at_least("--max-failures", self.max_failures, 1)
        for option, seconds in (
            ("--timeout", self.timeout_seconds),
            ("--trial-timeout", self.trial_timeout_seconds),
            ("--start-timeout", self.start_timeout_seconds),
        ):
            if seconds is not None and not 0 < seconds < math.inf:
                raise UsageError(f"{option} {seconds:g}: the number of seconds must be above 0.")
        if not self.checkpoint_seconds >= 0:
            raise UsageError(
                f"--checkpoint-every {self.checkpoint_seconds:g}: the number of seconds must be 0 or more."
            )
        if self.target is not None and not math.isfinite(self.target):
            raise UsageError(f"--target {self.target:g} must be a finite number.")
        if self.runner == "inline" and self.trial_timeout_seconds is not None:
            raise UsageError(
                "--trial-timeout can only be used with --runner ray, because --runner inline cannot kill a trial."
            )
        if self.runner == "inline" and self.start_timeout_seconds is not None:
            raise UsageError(
                "--start-timeout can only be used with --runner ray, because --runner inline starts no workers."
            )
        if self.runner == "inline" and (self.workers or 1) > 1 and self.trials_per_gpu is None:
            raise UsageError("--runner inline trains one trial at a time. Remove --workers.")
        _ = self.weights_kept

    def _take_trials_per_gpu(self) -> None:
        """Check the number. Convert it if it is text, as from the command line."""
        given = self.trials_per_gpu
        if given is None or given == "auto":
            return
        try:
            number = int(given)
        except ValueError:
            raise UsageError(
                f"--trials-per-gpu {str(given)[:80]} must be a whole number of trials, such as 8, or auto."
            ) from None
        if number < 1:
            raise UsageError(
                f"--trials-per-gpu {shown_number(number)} must be at least 1. Remove the option to train one trial at "
                "a time on each GPU."
            )
        if number > MOST_PER_GPU:
            raise UsageError(
                f"--trials-per-gpu {shown_number(number)} must be at most {MOST_PER_GPU}, because each trial needs its "
                "own CUDA stream, and torch has no more."
            )
        object.__setattr__(self, "trials_per_gpu", number)

    @property
    def cluster(self) -> str | None:
        """The address of the Ray cluster to train on; None for this machine."""
        wanted = self.address or os.environ.get("RAY_ADDRESS") or "local"
        return None if self.runner == "inline" or wanted == "local" else wanted

    @property
    def weights_kept(self) -> int | None:
        """The number of best trials whose weights are kept; None for all."""
        if self.keep_weights == "all":
            return None
        if self.keep_weights == "none":
            return 0
        top, _, count = self.keep_weights.partition(":")
        if top == "top" and _COUNT.fullmatch(count):
            return int(count)
        raise UsageError(f"--keep-weights {self.keep_weights[:80]} must be top:K, all or none.")

    def to_dict(self) -> dict[str, Any]:
        """The record to store with the study."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> RunSettings:
        """The settings that `record` came from."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in record.items() if key in known})


def _written(value: Any) -> str:
    """A value as in an override: such as `true`, `0.1`, or `lo..hi` for a pair."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[0]!r}..{value[1]!r}"
    if isinstance(value, list):
        return ",".join(_written(each) for each in value)
    return str(value)


def check_stop_rule(option: str, name: str) -> None:
    """Raises UsageError if there is no rule of this name."""
    check_word(option, name, RULES)


def stop_rule_version(name: str) -> int:
    """The version of a stop rule in this onset-sweeps."""
    return STOP_RULE_VERSIONS.get(name, 1)


def check_study_name(name: str) -> None:
    """Raises UsageError for a name that can't be a folder's name, or that needs quotes in a shell."""
    if not _STUDY_NAME.fullmatch(name):
        raise UsageError(
            f"--study {name!r}: a study's name must have at most 100 letters, digits, '_', '-' and '.', "
            "and it must begin with a letter, a digit or '_'."
        )


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_word(option: str, word: str, known: Collection[str]) -> None:
    """Raises UsageError if `word` is not in `known`. The message suggests a similar word."""
    if word not in known:
        raise UsageError(
            f"{option} {word}: unknown{did_you_mean(word, known)} Choose from: {', '.join(known)}."
        )


def _check_at_least(option: str, value: float, least: float) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{option} {value:g} must be a finite number.")
    if value < least:
        raise UsageError(f"{option} {shown_number(value)} must be at least {least:g}.")
    if value > MOST:
        raise UsageError(f"{option} {shown_number(value)} must be at most {MOST:,}.")


def check_repeats(option: str, repeats: int) -> None:
    """Raises UsageError unless there are 1 to MOST_REPEATS repeats."""
    if not 1 <= repeats <= MOST_REPEATS:
        what = "at least 1" if repeats < 1 else f"at most {MOST_REPEATS:,}"
        raise UsageError(f"{option} {shown_number(repeats)} must be {what}.")


def shown_number(value: float) -> str:
    """A number as text, shortened if it has very many digits."""
    return f"{value:g}" if isinstance(value, float) else reprlib.repr(value)
