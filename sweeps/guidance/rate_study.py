"""Runs a learning-rate range test as a study, and reads its curves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.training.probes import RATE_RANGE
from storage.rounds import all_rounds
from sweeps.guidance.known_suggestions import known_suggestions
from sweeps.guidance.rate_curve import NoReading, Reading, read_curve
from sweeps.guidance.rate_plan import RateTest, plan_rate_test
from sweeps.guidance.rate_range import NoRange, RateRange, hull, range_of, rounded_outwards
from sweeps.launching import Watcher
from sweeps.settings import MOST, RunSettings
from sweeps.study.planned import Planned
from sweeps.study.specification import full_parameters
from sweeps.study.stored_study import Study
from sweeps.sweep import Result, run_planned
from sweeps.trial.metric import Metric


@dataclass(frozen=True)
class RateCurve:
    """One curve of losses over learning rates.

    trials: the numbers of the trials that measured it. parameters: the other parameters that it was measured with.
    repeat: the number of its seed. others: the rates that other tools would suggest, by tool and rule.
    """

    trials: tuple[int, ...]
    parameters: Mapping[str, Any]
    repeat: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    reading: Reading | NoReading
    others: Mapping[str, float | None]

    def record(self) -> dict[str, Any]:
        """The record with the keys of `-f json`."""
        found = {"because": self.reading.because} if isinstance(self.reading, NoReading) else {}
        reading = dataclasses.asdict(self.reading) if isinstance(self.reading, Reading) else {}
        return {
            "trials": list(self.trials),
            "params": dict(self.parameters),
            "repeat": self.repeat,
            "reading": reading or None,
            **found,
            "others": dict(self.others),
            "rates": list(self.rates),
            "losses": list(self.losses),
        }


@dataclass(frozen=True)
class RateAnswer:
    """The result of a range test.

    ranges: the suggestion for each optimizer ("" if there is only one). rows: how many rows were trained on in all,
    repeated rows counted again; None if each rate had its own run.
    """

    study: Study
    parameter: str
    curves: tuple[RateCurve, ...]
    ranges: Mapping[str, RateRange | NoRange]
    rows: int | None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest range that contains the ranges of all optimizers, with two digits; None without a suggestion."""
        found = [each for each in self.ranges.values() if isinstance(each, RateRange)]
        return rounded_outwards(*hull(found)) if found else None

    @property
    def because(self) -> str:
        """Why there is no suggestion; empty if there is one."""
        if self.bounds is not None:
            return ""
        return "; ".join(each.because for each in self.ranges.values() if isinstance(each, NoRange))

    def others(self) -> dict[str, tuple[float, float, float] | None]:
        """The suggestions of other tools, by tool and rule: the smallest, median and largest over the curves."""
        found: dict[str, tuple[float, float, float] | None] = {}
        for name in self.curves[0].others if self.curves else ():
            values = sorted(rate for each in self.curves if (rate := each.others[name]) is not None)
            found[name] = (values[0], values[len(values) // 2], values[-1]) if values else None
        return found

    def record(self) -> dict[str, Any]:
        """The record with the keys of `-f json`."""
        bounds = self.bounds
        return {
            "study": self.study.name,
            "task": self.study.spec.task.name,
            "parameter": self.parameter,
            "low": bounds and bounds[0],
            "high": bounds and bounds[1],
            "because": self.because or None,
            "by_optimizer": {
                name or "all": each.record() if isinstance(each, RateRange) else {"because": each.because}
                for name, each in self.ranges.items()
            },
            "others": self.others(),
            "rows": self.rows,
            "seconds": self.study.cost().seconds,
            "curves": [each.record() for each in self.curves],
        }


def rate_test(
    test: RateTest,
    *,
    run: RunSettings | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> tuple[Result, RateAnswer | None]:
    """Run the test, or continue it. The answer is None until the test is complete.

    The same test gives the same answer for any number of workers.
    """
    run = run or RunSettings()
    planned = plan_rate_test(test, run)
    run = dataclasses.replace(
        run,
        task=planned.reference or test.study.task,
        num_trials=None,
        target=None,
        keep_weights="none",
        max_failures=run.max_failures
        if planned.spec.probe_kind == RATE_RANGE
        else MOST,  # some short runs are expected to diverge
    )
    name = f"{planned.spec.task.name}-lr-{planned.spec.fingerprint[:8]}"
    result = run_planned(planned, run, study=name, storage=storage, watcher=watcher)
    wanted = len(planned.spec.enqueued) * planned.spec.repeats
    if sum(trial.is_finished for trial in result.study.all_trials()) < wanted:
        return result, None
    return result, answer_of(result.study, planned)


def answer_of(study: Study, planned: Planned) -> RateAnswer:
    """The result of a range test from its stored curves."""
    probe = study.spec.probe
    assert probe is not None
    rising = probe["kind"] == RATE_RANGE
    curves = (rising_curves if rising else short_curves)(study)
    groups: dict[str, list[RateCurve]] = {}
    for curve in curves:
        groups.setdefault(_group(curve, curves), []).append(curve)
    rates = [rate for curve in curves for rate in curve.rates]
    tested = (min(rates, default=0.0), max(rates, default=math.inf))
    ranges = {name: range_of([each.reading for each in group], tested) for name, group in groups.items()}
    rows = planned.spec.data.train_rows
    trained = sum(
        sum(map(math.isfinite, each.losses)) * min(int(each.parameters.get("batch_size", 0)), rows)
        for each in curves
    )
    return RateAnswer(study, probe["parameter"], tuple(curves), ranges, trained if rising else None)


def rising_curves(study: Study) -> list[RateCurve]:
    """A curve for each trial; each round of the trial is a point."""
    rounds: dict[int, list[dict[str, Any]]] = {}
    for row in all_rounds(study.database, study.row.study_id):
        rounds.setdefault(row["trial"], []).append(row)
    curves = []
    for trial in study.all_trials():
        rows = rounds.get(trial.number, [])
        parameters = full_parameters(study.spec, study.spec.point_of(trial.params))
        parameters = {name: value for name, value in parameters.items() if name in _TOLD}
        curves.append(
            _curve(
                (trial.number,),
                parameters,
                study.spec.repeat_of(trial.number),
                [row["learning_rate"] for row in rows],
                [_loss(row) for row in rows],
            )
        )
    return curves


def short_curves(study: Study) -> list[RateCurve]:
    """A curve for each seed; each trial with that seed is a point. A trial that failed counts as diverged."""
    assert study.spec.probe is not None
    name, points = study.spec.probe["parameter"], study.spec.enqueued
    last = {row["trial"]: row for row in all_rounds(study.database, study.row.study_id)}
    failed = {trial.number for trial in study.all_trials() if trial.state == "FAIL"}
    curves = []
    for repeat in range(study.spec.repeats):
        numbers = [repeat * len(points) + at for at in range(len(points))]
        losses = [
            math.nan if number in failed else _short_loss(last.get(number), study.spec.metric)
            for number in numbers
        ]
        rates = [float(point[name]) for point in points]
        others = {key: value for key, value in points[0].items() if key != name}
        curves.append(_curve(tuple(numbers), others, repeat, *_failures_dropped(rates, losses)))
    return curves


_TOLD = ("optimizer", "hidden_width", "batch_size")


def _curve(
    trials: tuple[int, ...],
    parameters: Mapping[str, Any],
    repeat: int,
    rates: Sequence[float],
    losses: Sequence[float],
) -> RateCurve:
    if not rates:
        return RateCurve(trials, parameters, repeat, (), (), NoReading("failed before its first step"), {})
    reading, others = read_curve(rates, losses), known_suggestions(rates, losses)
    return RateCurve(trials, parameters, repeat, tuple(rates), tuple(losses), reading, others)


def _loss(row: Mapping[str, Any]) -> float:
    value = row["running_loss"]
    return math.nan if value is None else float(value)


def _short_loss(row: Mapping[str, Any] | None, metric: Metric) -> float:
    """The last loss of a short run: the training loss if reported, else the validation loss, else minus the score."""
    if row is None:
        return math.nan
    for name in ("train_loss", "running_loss", "valid_loss"):
        if row[name] is not None:
            return float(row[name])
    return -metric.oriented(float(row["valid_score"]))


def _failures_dropped(rates: Sequence[float], losses: Sequence[float]) -> tuple[list[float], list[float]]:
    """The points without those that failed although a higher rate did not fail: the rate can't be the reason."""
    good = [at for at, loss in enumerate(losses) if math.isfinite(loss)]
    last = good[-1] if good else -1
    kept = [*good, *range(last + 1, len(rates))]
    return [rates[at] for at in kept], [losses[at] for at in kept]


def _group(curve: RateCurve, curves: Sequence[RateCurve]) -> str:
    """The curve's optimizer, if the curves have several; else empty."""
    names = {str(each.parameters.get("optimizer", "")) for each in curves}
    return str(curve.parameters["optimizer"]) if len(names) > 1 else ""
