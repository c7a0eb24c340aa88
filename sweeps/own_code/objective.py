"""A training function declared as something to sweep."""

from __future__ import annotations

import inspect
import numbers
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from objectives.errors import CodeError
from sweeps.own_code.conversation import Exchange
from sweeps.own_code.trial import Trial, TrialStart
from sweeps.trial.returned import Returned

Direction = Literal["maximize", "minimize"]
Function = Callable[[Trial], Any]


class FunctionObjective:
    """A function over a Trial, with what a study must know of it; called, it is that function.

    space: as it was given, read where spaces are. rounds: the default budget of a trial. chance: the metric of a model
    that has learnt nothing; None where that is not known. valid_rows: rows behind the metric; 0 where not known.
    files: paths of files that decide figures, too. test_function: what `sweep confirm` calls, once, for the test split.
    """

    def __init__(
        self,
        function: Function,
        *,
        metric: str,
        direction: Direction,
        rounds: int = 1,
        space: Mapping[str, Any] | None = None,
        name: str | None = None,
        chance: float | None = None,
        valid_rows: int = 0,
        files: Sequence[str] = (),
    ) -> None:
        self.function = function
        self.metric = metric
        self.direction: Direction = direction
        self.rounds = rounds
        self.space = space
        self.name = name
        self.chance = chance
        self.valid_rows = valid_rows
        self.files = tuple(map(str, files))
        self.test_function: Function | None = None
        self.__name__ = getattr(function, "__name__", "objective")
        self.__doc__ = function.__doc__
        self.__module__ = getattr(function, "func", function).__module__  # a partial's is functools
        self.__wrapped__ = function

    def __call__(self, trial: Trial | None = None) -> Any:
        """The function itself. Raises CodeError where it is called without a trial."""
        if trial is None:
            raise CodeError(
                f"{self.__name__}() is called without a trial. Remove the call: `sweep launch` calls the function. To "
                f'try it by hand, call `sweeps.run({self.__name__}, lr=…)` below `if __name__ == "__main__":`.'
            )
        return self.function(trial)

    def test(self, function: Function) -> Function:
        """Decorates the function that scores a trial's saved state on the test split; only confirmation calls it.

        It takes a Trial, which `restore` gives the saved state of, and returns the metric.
        """
        check_signature(function)
        self.test_function = function
        return function

    def train(self, start: TrialStart, exchange: Exchange) -> None:
        """Run the function on a trial; every round goes to `exchange`. Raises CodeError, and what the code raises."""
        trial = Trial(start, exchange)
        returned = self.function(trial)
        if trial.rounds_done == 0 and not trial.has_reported:
            trial.report(self._figures(returned))
        trial.finish()
        exchange(Returned())

    def score_on_test(self, start: TrialStart) -> float:
        """The metric on the test split, of the state that `start` has. Raises CodeError where it is no number."""
        assert self.test_function is not None
        found = self.test_function(Trial(start, _no_rounds))
        if hasattr(found, "item"):
            found = found.item()
        if isinstance(found, bool) or not isinstance(found, numbers.Real):
            raise CodeError(
                f"{self.test_function.__name__} returned {found!r:.100}; it must return {self.metric} on the test "
                "split."
            )
        return float(found)

    def _figures(self, returned: Any) -> Mapping[str, Any]:
        """The one round of a function that only returns its result."""
        if isinstance(returned, Mapping):
            return returned
        if returned is None:
            raise CodeError(
                f"{self.__name__} returned and had reported nothing: call trial.report({self.metric}=…) in each round, "
                f"or return {self.metric} where there is only one."
            )
        if not hasattr(returned, "item") and (
            isinstance(returned, bool) or not isinstance(returned, numbers.Real)
        ):
            raise CodeError(
                f"{self.__name__} returned {returned!r:.100}; it must return {self.metric}, a number, or a mapping of "
                "names to numbers."
            )
        return {self.metric: returned}


def objective(*misplaced: Any, **declared: Any) -> Callable[[Function], FunctionObjective]:
    """Declare a training function as something to sweep.

    metric: the figure that is optimised, under the name by which it is reported. direction: "maximize" or "minimize".
    rounds: how many rounds a trial takes unless a launch says otherwise (1). space: a mapping from parameter to a range
    `(low, high)`, a list of choices, `log`, `integer`, `choice`, `when`, an Optuna distribution, or a fixed value; it
    may stand beside the file or come with the launch instead. name: of the studies (the file's name). chance: what a
    model scores that has learnt nothing. valid_rows: how many rows the metric is taken on. files: paths of data, and of
    code that is loaded by its path, from the folder of this file: if one changes, the study can't continue unnoticed.

    Raises CodeError, saying what is wrong.
    """
    if misplaced:
        _refuse('takes names only: write @sweeps.objective(metric="accuracy", direction="maximize", …)')
    for key in ("metric", "direction"):
        if key not in declared:
            _refuse(f'needs {key}: write @sweeps.objective(metric="accuracy", direction="maximize", …)')
    known = inspect.signature(FunctionObjective).parameters
    for key in declared:
        if key not in known or key == "function":
            _refuse(f"has no {key!r}; it has {', '.join(name for name in known if name != 'function')}")
    _check(**declared)

    def declare(function: Function) -> FunctionObjective:
        check_signature(function)
        return FunctionObjective(function, **declared)

    return declare


def _check(
    metric: Any,
    direction: Any,
    rounds: Any = 1,
    space: Any = None,
    name: Any = None,
    chance: Any = None,
    valid_rows: Any = 0,
    files: Any = (),
) -> None:
    if not isinstance(metric, str) or not metric:
        _refuse(f"metric={metric!r} must be the name of what is optimised")
    if direction not in typing.get_args(Direction):
        _refuse(f"direction={direction!r} must be {' or '.join(map(repr, typing.get_args(Direction)))}")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        _refuse(f"rounds={rounds!r} must be a whole number from 1 on")
    if space is not None and not isinstance(space, Mapping):
        _refuse(f"space={space!r:.60} must be a mapping from parameter to range")
    if name is not None and not isinstance(name, str):
        _refuse(f"name={name!r} must be a word")
    if chance is not None and (isinstance(chance, bool) or not isinstance(chance, int | float)):
        _refuse(f"chance={chance!r} must be a number")
    if isinstance(valid_rows, bool) or not isinstance(valid_rows, int) or valid_rows < 0:
        _refuse(f"valid_rows={valid_rows!r} must be a whole number")
    if not isinstance(files, list | tuple) or not all(isinstance(each, str | Path) for each in files):
        _refuse(f"files={files!r:.100} must be a list of paths")


def _refuse(why: str) -> NoReturn:
    raise CodeError(f"@sweeps.objective {why}.")


def check_signature(
    function: Any,
    *,
    reports: str = "trial.report(…) instead, in a loop over trial.rounds()",
    takes: str = "trial.params",
) -> None:
    """Raises CodeError for what can't be called with one argument, the trial, and train in that call.

    reports, takes: how such a function reports its rounds, and where its parameters come from.
    """
    if not callable(function):
        raise CodeError(f"@sweeps.objective stands above a function, not above {function!r:.60}.")
    body = getattr(function, "func", function)
    body = body if inspect.isroutine(body) else type(body).__call__
    name = getattr(function, "__name__", getattr(body, "__name__", "the function"))
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        raise CodeError(
            f"{name} has `yield`, so a call of it trains nothing. Report each round by {reports}."
        )
    if inspect.iscoroutinefunction(body):
        raise CodeError(
            f"{name} is `async`, so a call of it trains nothing: write a plain `def {name}(trial):`."
        )
    parameters = inspect.signature(function).parameters.values()
    needed = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if len(needed) != 1 or next(iter(parameters)).kind is inspect.Parameter.KEYWORD_ONLY:
        without = "has only arguments with defaults" if parameters else "takes nothing"
        taken = f"needs {', '.join(needed)}" if needed else without
        raise CodeError(
            f"{name} {taken}, but is called with one argument, the trial: write `def {name}(trial):`, and take the "
            f"parameters from {takes}."
        )


def _no_rounds(event: Any) -> NoReturn:
    raise CodeError("a test function tells no rounds: it returns the metric on the test split.")
