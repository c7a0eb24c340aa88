"""Replays an exported configuration: trains it again, and compares each round with the recorded one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from objectives import DataError, Round, Splits, Task
from objectives.errors import ObjectiveError
from objectives.known_code import check_known
from sweeps.best_config.model import BestConfig, RecordedEnvironment
from sweeps.best_config.own_replay import OwnRounds
from sweeps.errors import UsageError
from sweeps.own_code.find import OWN_OBJECTIVES, find, is_own
from sweeps.own_code.named_files import with_files
from sweeps.study.environment import decisive_differences, environment


@dataclass(frozen=True)
class Comparison:
    """A replayed round and the recorded one. worst: the name of the value that differs most."""

    index: int
    equal: bool
    within_tolerance: bool
    worst: str = ""
    recorded: float = 0.0
    replayed: float = 0.0

    @property
    def difference(self) -> float:
        """The absolute difference of the value `worst`."""
        return abs(self.replayed - self.recorded)


@dataclass(frozen=True)
class Replay:
    """A configuration that is ready to be trained again.

    differs_here: differences from the recorded environment; if empty, values must be equal bit for bit.
    """

    config: BestConfig
    source: TaskRounds | OwnRounds
    differs_here: list[str]

    @property
    def must_be_equal(self) -> bool:
        """Whether all values must be equal, bit for bit."""
        return not self.differs_here

    def compare(self, tolerance: float) -> Iterator[Comparison]:
        """Train without a stop rule to the last recorded round, and compare each round."""
        with self.source.begun() as rounds:
            for recorded, replayed in zip(self.config.rounds, rounds, strict=False):
                yield compare_rounds(recorded, replayed, tolerance)


@dataclass(frozen=True)
class TaskRounds:
    """Trains an exported trial of a task again, and gives its rounds."""

    config: BestConfig
    task: Task
    splits: Splits
    parameters: Any

    @contextlib.contextmanager
    def begun(self) -> Iterator[Iterator[Round]]:
        """The rounds, one after the other as they are trained."""
        import torch

        from objectives.training.loop import make_deterministic, start_run, train

        config = self.config
        make_deterministic(config.environment.threads)
        device = torch.device(_device(config.environment))
        run = start_run(
            self.task, self.parameters, self.splits, rounds=config.budget, seed=config.seed, device=device
        )
        with contextlib.closing(run):
            yield train(run)


def _device(recorded: RecordedEnvironment) -> str:
    """The recorded kind of device if this machine has one, else the CPU."""
    if recorded.device != "cuda":
        return "cpu"
    import torch

    return "cuda" if recorded.device == "cuda" and torch.cuda.is_available() else "cpu"


def prepare_replay(config: BestConfig, data_root: Path, *, trust: bool = False) -> Replay:
    """Load the task and data that a configuration names.

    trust: run the code that it names even if this code was never launched on this machine. Raises UntrustedCodeError
    before any such code is run, unless `trust`; DataError if the rows differ from those of the recorded training.
    """
    from objectives.registry import get_task

    known = partial(check_known, recorded=config.environment.to_dict().get("own_code", {}))
    may_run = None if trust else known
    code = find(config.task, before_loading=may_run) if is_own(config.task) else None
    found = None if code is None else code.load()
    if code is not None and isinstance(found, OWN_OBJECTIVES):
        code = with_files(code, found)
    recorded = config.environment
    here = environment(_device(recorded), recorded.threads, None if code is None else code.sources)
    differs_here = decisive_differences(recorded.to_dict(), here)
    if code is not None and isinstance(found, OWN_OBJECTIVES):
        return Replay(config, OwnRounds(config, code, data_root, _device(recorded)), differs_here)
    task = get_task(config.task, before_loading=may_run)
    try:
        parameters = task.parameters_from(config.parameters)
    except ObjectiveError as error:
        raise UsageError(f"parameters: {error}") from None
    data = config.data
    splits = data.plan.load(task, data_root)
    if splits.digest != data.digest:
        raise DataError(
            f"The rows of {data.name} in {data_root} differ from those of the recorded training "
            f"({_short(splits.digest)} instead of {_short(data.digest)})."
        )
    splits = data.plan.fold(task, splits, data.repeat)
    return Replay(config, TaskRounds(config, task, splits, parameters), differs_here)


def _short(digest: str) -> str:
    """A digest in short: the part of the rows that it names, and its first 12 digits."""
    *part, sha = str(digest).split(" ")
    return " ".join([*part, f"{sha[:12]}…"])


def compare_rounds(recorded: Round, replayed: Round, tolerance: float) -> Comparison:
    """Compare a replayed round with the recorded one. Values may differ by the tolerance."""
    known, now = recorded.figures(), replayed.figures()
    distances = {name: _distance(known.get(name), now.get(name)) for name in known | now}
    worst = max(distances, key=lambda name: distances[name])
    if distances[worst] == 0.0:
        return Comparison(replayed.index, True, True)
    return Comparison(
        replayed.index,
        equal=False,
        within_tolerance=distances[worst] <= tolerance,
        worst=worst,
        recorded=_number(known.get(worst)),
        replayed=_number(now.get(worst)),
    )


def _distance(before: float | None, now: float | None) -> float:
    """0 if the values are equal; infinity if one is missing or not finite; else |now - before| / max(1, |before|)."""
    if before == now or repr(before) == repr(now):
        return 0.0
    if before is None or now is None or not (math.isfinite(before) and math.isfinite(now)):
        return math.inf
    return max(abs(now - before) / max(1.0, abs(before)), 5e-324)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
