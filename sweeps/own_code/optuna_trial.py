"""Runs an unchanged Optuna objective: it is called with a trial whose suggestions come from the driver's sampler."""

from __future__ import annotations

import datetime
import json
import math
import numbers
import resource
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.exceptions import TrialPruned
from optuna.trial import BaseTrial

from objectives.errors import CodeError
from objectives.round import Cost, Round
from sweeps.own_code.conversation import STOPPED, Exchange
from sweeps.own_code.habits import NoSuchAttribute
from sweeps.own_code.objective import Direction, are_paths
from sweeps.own_code.trial import TrialStart
from sweeps.trial.returned import Returned
from sweeps.trial.work import Progress, Suggest

_OF_OURS = (
    "A function with trial.params, trial.rounds(), trial.report(f1=…), trial.save and trial.restore is decorated with "
    "@sweeps.objective(space=…, metric=…, direction=…)."
)


class _Suggested(dict[str, Any]):
    """The values that were suggested so far. For an unknown name, the KeyError says what to do."""

    def __missing__(self, name: str) -> NoReturn:
        raise KeyError(f"no parameter {name!r} has been suggested yet. {_OF_OURS}")


class OptunaTrial(BaseTrial):
    """The trial with which an Optuna objective is called. Each step that it reports is a round, in that order."""

    def __init__(self, start: TrialStart, exchange: Exchange) -> None:
        self._start = start
        self._exchange = exchange
        self._params: dict[str, Any] = {}
        self._distributions: dict[str, BaseDistribution] = {}
        self._attributes: dict[str, Any] = {}
        self._untold: dict[str, Any] = {}  # attributes that are not passed to the driver yet
        self._values: dict[int, float] = {}  # by step
        self._reported: Round | None = None
        self._rounds_done = 0
        self._is_stopped = False
        self._begun = datetime.datetime.now()
        self._began_round = time.monotonic()

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """As in Optuna."""
        return float(self._suggest(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """As in Optuna."""
        return int(self._suggest(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """As in Optuna."""
        return self._suggest(name, CategoricalDistribution(choices=tuple(choices)))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """As in Optuna."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """As in Optuna."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """As in Optuna."""
        return self.suggest_float(name, low, high, step=q)

    def report(self, value: float | None = None, step: int | None = None, **figures: Any) -> None:
        """Report the value at a step. A step that was reported before is ignored, as in Optuna."""
        if figures or step is None:
            given = ", ".join(
                [*([] if value is None else [f"{value!r:.40}"]), *(f"{name}=…" for name in figures)]
            )
            raise CodeError(
                f"trial.report({given}): an Optuna objective must call trial.report(value, step). {_OF_OURS}"
            )
        place: Any = step  # the user may pass any type
        if not isinstance(place, numbers.Integral) or step < 0:
            raise CodeError(f"trial.report(…, step={step!r}): the step must be a whole number of at least 0.")
        if int(step) in self._values:
            warnings.warn(f"The step {step} was reported already, so this report is ignored.", stacklevel=2)
            return
        self._hand_over(may_stop=False)
        number = _number(value, "trial.report")
        self._values[int(step)] = number
        self._reported = self._round(number, {"step": float(step)})

    def should_prune(self) -> bool:
        """Whether the study's stop rule halts the trial after the latest report."""
        self._hand_over(may_stop=True)
        return self._is_stopped

    def set_constraint(self, key: str, value: float) -> NoReturn:
        """Always raises, because a sweep's samplers do not support constraints."""
        raise NoSuchAttribute(
            "trial.set_constraint can't be used in a sweep, whose samplers do not support constraints. Raise "
            "optuna.TrialPruned if a constraint is violated, or return a bad value."
        )

    @property
    def constraints(self) -> dict[str, float]:
        """Always empty."""
        return {}

    def set_user_attr(self, key: str, value: Any) -> None:
        """Store a value with the trial. Raises CodeError if JSON can't hold it."""
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise CodeError(f"trial.set_user_attr({key!r}, …): the value can't be stored: {error}.") from None
        self._attributes[key] = self._untold[key] = value

    @property
    def number(self) -> int:
        """The number of the trial in its study, from 0."""
        return self._start.number

    @property
    def params(self) -> dict[str, Any]:
        """The values that were suggested so far."""
        return _Suggested(self._params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The distributions of the values that were suggested so far."""
        return dict(self._distributions)

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The values that the objective has stored with the trial."""
        return dict(self._attributes)

    @property
    def system_attrs(self) -> dict[str, Any]:
        """Always empty: only the sampler uses them, in the driver."""
        return {}

    @property
    def datetime_start(self) -> datetime.datetime | None:
        """When the objective was called."""
        return self._begun

    @property
    def relative_params(self) -> dict[str, Any]:
        """Always empty: only the sampler uses them, in the driver."""
        return {}

    def __getitem__(self, name: str) -> NoReturn:
        raise CodeError(
            f"trial[{name!r}]: an Optuna trial is no mapping. Ask it for the parameter with "
            f"trial.suggest_float({name!r}, low, high). {_OF_OURS}"
        )

    def __getattr__(self, name: str) -> NoReturn:
        raise NoSuchAttribute(
            f"trial.{name} can't be used in a sweep, where the objective runs in a worker without access to its study. "
            f"You can use suggest_*, report, should_prune, set_user_attr, params and number. {_OF_OURS}"
        )

    @property
    def is_over(self) -> bool:
        """Whether the trial was halted, so that later reports and the returned value do not count."""
        return self._is_stopped

    def returned(self, value: float) -> None:
        """Report that the objective has returned `value`. If no step had this value, it counts as a further round."""
        self._hand_over(may_stop=False)
        if value not in self._values.values():
            self._reported = self._round(value, {})
            self._hand_over(may_stop=False)
        if not self._is_stopped:
            self._exchange(Returned(value, attributes=self._untold))

    def pruned(self) -> None:
        """Report that the objective has raised TrialPruned."""
        self._hand_over(may_stop=False)
        if not self._is_stopped:
            self._exchange(Returned(is_pruned=True, attributes=self._untold))

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self._params:
            check_distribution_compatibility(self._distributions[name], distribution)
            return self._params[name]
        try:
            text = distribution_to_json(distribution)
        except TypeError as error:
            raise CodeError(
                f"trial.suggest_categorical({name!r}, …): a choice can't be stored: {error}."
            ) from None
        answer = self._exchange(Suggest(name, text))
        if answer is STOPPED:
            raise TrialPruned
        self._params[name] = distribution.to_external_repr(answer)
        self._distributions[name] = distribution
        return self._params[name]

    def _hand_over(self, *, may_stop: bool) -> None:
        if self._reported is None or self._is_stopped:
            return
        latest, self._reported = self._reported, None
        attributes, self._untold = self._untold, {}
        self._is_stopped = not self._exchange(Progress(latest, may_stop=may_stop, attributes=attributes))
        self._rounds_done, self._began_round = latest.index, time.monotonic()

    def _round(self, value: float, extra: Mapping[str, float]) -> Round:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        cost = Cost(time.monotonic() - self._began_round, None, peak)
        return Round(index=self._rounds_done + 1, valid_score=value, extra=extra, cost=cost)


class OptunaObjective:
    """A function written for Optuna's `study.optimize`, with what a study must know of it.

    The function's attribute `sweep_files` names files that decide results: `objective.sweep_files = ["rows.csv"]`.
    """

    test_function = None
    space: Mapping[str, Any] | None = None
    chance: float | None = None
    valid_rows = 0

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        name: str,
        direction: Direction,
        metric: str = "value",
        rounds: int = 100,
    ) -> None:
        self.function = function
        self.files = _files_of(function, name)
        self.name = name
        self.direction: Direction = direction
        self.metric = metric
        self.rounds = rounds

    def train(self, start: TrialStart, exchange: Exchange) -> None:
        """Call the objective. Its questions and rounds are passed to `exchange`.

        Raises CodeError, and what the code raises.
        """
        trial = OptunaTrial(start, exchange)
        try:
            value = self.function(trial)
        except TrialPruned:
            trial.pruned()
        else:
            if not trial.is_over:
                trial.returned(_number(value, self.name))


def _files_of(function: Callable[[Any], Any], name: str) -> tuple[str, ...]:
    """The paths in the function's attribute `sweep_files`. Raises CodeError if it is not a list of paths."""
    files = getattr(function, "sweep_files", ())
    if not are_paths(files):
        raise CodeError(f"{name}.sweep_files = {files!r:.100} must be a list of paths.")
    return tuple(map(str, files))


def _number(value: Any, source: str) -> float:
    """The value as a float. Raises CodeError, whose message says what is wrong with it.

    source: where the value comes from, for the message.
    """
    if isinstance(value, list | tuple):
        raise CodeError(
            f"{source} gave {len(value)} values, but a sweep has one objective. Return one number, and store the "
            "others with trial.set_user_attr."
        )
    if value is None:
        raise CodeError(f"{source} gave None, but must give the value of the trial as a number.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise CodeError(f"{source} gave {value!r:.100}, a {type(value).__name__}, not a number.") from None
    if math.isnan(number) and source != "trial.report":
        raise CodeError(f"{source} gave NaN. To end a trial that has no value, raise optuna.TrialPruned.")
    return number
