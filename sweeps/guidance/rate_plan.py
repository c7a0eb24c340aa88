"""Plans a learning-rate range test: which curves to measure, from which seeds, and how many its cost allows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives import Task
from objectives.parameters.kinds import parameter_kinds
from objectives.spelling import did_you_mean
from objectives.training.probes import RATE_RANGE, SHORT_RUNS
from search_spaces import Categorical, Fixed, Numeric, Space
from search_spaces.points import nearest
from sweeps import paths
from sweeps.errors import UsageError
from sweeps.settings import MOST_REPEATS, RunSettings, StudySettings
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_study
from sweeps.study.specification import Specification
from sweeps.trial.metric import Metric

RATE = "learning_rate"
USUAL_NAMES = (RATE, "lr", "eta", "base_lr", "initial_lr", "learning_rate_init", "step_size")
WIDTHS, SIZES = "hidden_width", "batch_size"
LOW, HIGH, STEPS = 1e-7, 10.0, 100  # as in fastai
# If each rate needs its own run: how many rates, the share of the rounds that is run, how many seeds.
SHORT_STEPS, SHORT_SHARE, SHORT_SEEDS = 13, 0.1, 3
SEEDS, NUM_WIDTHS, NUM_SIZES = 5, 3, 2
SHARE = 0.02  # a test may train on this share of the rows that a study of STUDY_TRIALS trials trains on
STUDY_TRIALS = 100


@dataclass(frozen=True)
class RateTest:
    """The settings of a range test.

    study: the settings of the study for which the rates are tested. parameter: the name of the learning rate; None to
    look for a usual name. low, high: the range of rates; None for 1e-7 to 10, or for the range of the space if each
    rate needs its own run. steps: how many rates. seeds, widths, batch_sizes: how many of each; None for 5, 3 and 2, or
    fewer if those cost too much.
    """

    study: StudySettings
    parameter: str | None = None
    low: float | None = None
    high: float | None = None
    steps: int | None = None
    seeds: int | None = None
    widths: int | None = None
    batch_sizes: int | None = None

    def __post_init__(self) -> None:
        for option, rate in (("--low", self.low), ("--high", self.high)):
            if rate is not None and not 0 < rate < math.inf:
                raise UsageError(f"{option} {rate:g} must be a learning rate above 0.")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise UsageError(
                f"--low {self.low:g} --high {self.high:g}: the range is "
                f"{'empty' if self.low == self.high else 'reversed'}. --low must be below --high."
            )
        for option, count, least in (
            ("--steps", self.steps, 10),
            ("--seeds", self.seeds, 1),
            ("--widths", self.widths, 1),
            ("--batch-sizes", self.batch_sizes, 1),
        ):
            if count is not None and not least <= count <= MOST_REPEATS:
                raise UsageError(f"{option} {count} must be {least} to {MOST_REPEATS:,}.")


def plan_rate_test(test: RateTest, run: RunSettings) -> Planned:
    """The plan of the study that makes a range test. Raises UsageError if there is no rate to test."""
    settings = dataclasses.replace(
        test.study,
        sampler="random",
        stop_rule="none",
        schedule="full",
        enqueue=(),
        repeats=1,
        folds=None,
        warm_start=None,
    )
    planned = plan_study(settings, paths.data_root(run.data_dir), gpus_elsewhere=run.cluster is not None)
    name = _rate_name(test, planned)
    if isinstance(planned.subject, Task) and not _trains_itself(planned):
        spec = _rising(test, planned, planned.subject, name)
    else:
        spec = _short_runs(test, planned, name)
    return dataclasses.replace(planned, spec=spec)


def _rate_name(test: RateTest, planned: Planned) -> str:
    subject, space = planned.subject, planned.spec.space
    known = (
        list(parameter_kinds(subject.Parameters)) if isinstance(subject, Task) else [p.name for p in space]
    )
    if planned.spec.is_open:
        return test.parameter or _in_source(planned)
    if test.parameter is not None and test.parameter not in known:
        raise UsageError(
            f"--parameter {test.parameter}: {planned.spec.task.name} has no such parameter"
            f"{did_you_mean(test.parameter, known)} It has: {', '.join(known)}."
        )
    found = test.parameter or next((name for name in USUAL_NAMES if name in known), None)
    if found is None:
        raise UsageError(
            f"{planned.spec.task.name} has no learning rate: it has no parameter {', '.join(USUAL_NAMES)}. "
            f"Name it with --parameter; the parameters are: {', '.join(known) or 'none'}."
        )
    domain = space[found].domain if found in space else None
    if isinstance(domain, Fixed):
        raise UsageError(f"{found} is fixed to {domain.value!r}, so there is no range to test.")
    return found


def _in_source(planned: Planned) -> str:
    """The name under which an Optuna objective asks for its learning rate, if it is a usual one."""
    text = planned.code.sources.main.text if planned.code is not None else ""
    for name in USUAL_NAMES:
        if f'"{name}"' in text or f"'{name}'" in text:
            return name
    raise UsageError(
        f"{planned.spec.task.name} asks for no parameter with a usual name of a learning rate "
        f"({', '.join(USUAL_NAMES)}). Name it with --parameter."
    )


def _trains_itself(planned: Planned) -> bool:
    """Whether the task has its own training loop, so that its rate can't be raised from step to step."""
    return type(planned.task).start is not Task.start and not _uses_shared_loop(planned)


def _uses_shared_loop(planned: Planned) -> bool:
    import torch

    task, spec = planned.task, planned.spec
    point = {**spec.defaults, **nearest(spec.space, spec.defaults)}
    own = task.start(
        task.parameters_from(point), planned.splits, rounds=1, seed=0, device=torch.device("cpu")
    )
    if own is not None:
        own.close()
    return own is None


def _rising(test: RateTest, planned: Planned, task: Task, name: str) -> Specification:
    if name != RATE:
        raise UsageError(f"--parameter {name}: the learning rate of {task.name} is called {RATE}.")
    spec = planned.spec
    space = _without(spec.space, name, spec.defaults[name])
    low, high, steps = test.low or LOW, test.high or HIGH, test.steps or STEPS
    if low >= high:
        raise UsageError(f"The rates {low:g} to {high:g} are a reversed range. Give both --low and --high.")
    points, seeds = _affordable(test, planned, task, space, steps)
    return dataclasses.replace(
        _measured(spec, space, points, seeds, steps),
        metric=Metric("loss", "minimize", math.nan, spec.data.valid_rows),
        probe={"kind": RATE_RANGE, "parameter": name, "low": low, "high": high},
        defaults={**spec.defaults, name: low},
    )


def _short_runs(test: RateTest, planned: Planned, name: str) -> Specification:
    spec = planned.spec
    low, high = _own_bounds(test, spec, name)
    steps = test.steps or SHORT_STEPS
    rates = [float(f"{low * (high / low) ** (k / (steps - 1)):.3g}") for k in range(steps)]
    others = {} if spec.is_open else {k: v for k, v in middle(spec.space).items() if k != name}
    points = [{**others, name: rate} for rate in rates]
    space = spec.space if spec.is_open else spec.space.with_domain(name, Numeric(low, high, log=True))
    rounds = max(1, math.ceil(SHORT_SHARE * spec.rounds))
    return dataclasses.replace(
        _measured(spec, space, points, test.seeds or SHORT_SEEDS, rounds),
        probe={"kind": SHORT_RUNS, "parameter": name, "low": low, "high": high},
    )


def _own_bounds(test: RateTest, spec: Specification, name: str) -> tuple[float, float]:
    domain = spec.space[name].domain if name in spec.space else None
    low, high = test.low, test.high
    if isinstance(domain, Numeric):
        low, high = low or domain.low, high or domain.high
    if low is None or high is None or low <= 0:
        raise UsageError(f"{spec.task.name} gives no range above 0 for {name}. Give --low and --high.")
    if low >= high:
        raise UsageError(f"The rates {low:g} to {high:g} are a reversed range. Give both --low and --high.")
    return low, high


def _measured(
    spec: Specification, space: Space, points: list[dict[str, Any]], seeds: int, rounds: int
) -> Specification:
    return dataclasses.replace(
        spec,
        space=space,
        sampler="list",
        stop_rule="none",
        stop_rule_version=1,
        schedule="full",
        enqueued=points,
        repeats=seeds,
        rounds=rounds,
    )


def _without(space: Space, name: str, default: Any) -> Space:
    """The space without the rate; if a condition depends on the rate, the space with the rate fixed to `default`."""
    if any(each.parameter == name for parameter in space for each in parameter.when):
        return space.with_domain(name, Fixed(default))
    return dataclasses.replace(space, parameters=tuple(p for p in space if p.name != name))


def middle(space: Space) -> dict[str, Any]:
    """The point in the middle of each range, on its linear or logarithmic scale, with the first of all choices."""
    wanted: dict[str, Any] = {}
    for parameter in space:
        domain = parameter.domain
        if isinstance(domain, Numeric):
            wanted[parameter.name] = _within(domain, 0.5)
    return nearest(space, wanted)


def _within(domain: Numeric, share: float) -> float:
    if domain.log:
        return domain.low * math.pow(domain.high / domain.low, share)
    return domain.low + share * (domain.high - domain.low)


def _affordable(
    test: RateTest, planned: Planned, task: Task, space: Space, steps: int
) -> tuple[list[dict[str, Any]], int]:
    """The points and the number of seeds. Seeds are reduced first, then batch sizes and widths, until the cost fits."""
    allowed = SHARE * rows_of_study(planned, task)
    for seeds, widths, sizes in _plans(test):
        points = _points(planned.spec, space, widths, sizes)
        rows = seeds * steps * sum(_batch(planned, point) for point in points)
        if rows <= allowed:
            break
    return points, seeds


def _plans(test: RateTest) -> list[tuple[int, int, int]]:
    """Numbers of seeds, widths and batch sizes, the most expensive first. Numbers that the user gave stay the same."""
    wanted = [(seeds, NUM_WIDTHS, NUM_SIZES) for seeds in range(SEEDS, 1, -1)]
    wanted += [(2, NUM_WIDTHS, 1), (2, 1, 1)]
    given = (test.seeds, test.widths, test.batch_sizes)
    plans = [tuple(g or w for g, w in zip(given, each, strict=True)) for each in wanted]
    return list(dict.fromkeys(plans))  # type: ignore[arg-type]


def rows_of_study(planned: Planned, task: Task) -> int:
    """How many rows a study of STUDY_TRIALS trials trains on if all rounds are run; repeated rows are counted again."""
    spec = planned.spec
    parameters = task.parameters_from({**spec.defaults, **nearest(spec.space, spec.defaults)})
    rows = spec.data.train_rows
    batch = min(parameters.batch_size, rows)
    return int(STUDY_TRIALS * spec.rounds * task.steps_per_round(parameters, rows) * batch)


def _batch(planned: Planned, point: Mapping[str, Any]) -> int:
    return min(int(point.get(SIZES, planned.spec.defaults[SIZES])), planned.spec.data.train_rows)


def _points(spec: Specification, space: Space, widths: int, sizes: int) -> list[dict[str, Any]]:
    """One point for each optimizer, width and batch size; other parameters are as near to the defaults as possible."""
    points = []
    for optimizer in spread_of(space, "optimizer", spec.defaults, MOST_REPEATS):
        for width in spread_of(space, WIDTHS, spec.defaults, widths):
            for size in spread_of(space, SIZES, spec.defaults, sizes):
                wanted = {**spec.defaults, "optimizer": optimizer, WIDTHS: width, SIZES: size}
                points.append(nearest(space, wanted))
    return list({str(point): point for point in points}.values())


def spread_of(space: Space, name: str, defaults: Mapping[str, Any], num: int) -> Sequence[Any]:
    """`num` values of a parameter from one end of its range to the other; its default if it is not searched."""
    domain = space[name].domain if name in space else None
    default = defaults.get(name)
    if isinstance(domain, Fixed):
        return [domain.value]
    if domain is None:
        return [default]
    if num == 1:
        return [domain.nearest(default)]
    if isinstance(domain, Categorical):
        ends = [round(k * (len(domain.choices) - 1) / (num - 1)) for k in range(num)]
        return [domain.choices[at] for at in dict.fromkeys(ends)]
    return list(dict.fromkeys(domain.nearest(_within(domain, k / (num - 1))) for k in range(num)))
