"""The decorator `@sweeps.objective`, which declares a training function to be swept, and what it returns."""

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
    """A training function that takes a Trial, with what a study must know of it. Calling it calls the function.

    space: the space as the user wrote it. rounds: the default budget of a trial. chance: the metric of a model that has
    learnt nothing; None if it is not known. valid_rows: the number of rows on which the metric is computed; 0 if it is
    not known. files: paths of further files that decide results. test_function: the function that `sweep confirm` calls
    for the test split.
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

    def __call__(self, trial: Trial | None = None, **named: Any) -> Any:
        """Call the function. Raises CodeError if it is called without a trial."""
        if named or trial is None or isinstance(trial, int | float | str | Mapping):
            raise CodeError(
                f"{self.__name__}(…) is called without a trial. Remove the call: `sweep launch` calls the function. To "
                f'try it by hand, call `sweeps.run({self.__name__}, lr=…)` below `if __name__ == "__main__":`.'
            )
        return self.function(trial)

    def test(self, function: Function) -> Function:
        """Decorates the function that scores a trial's saved state on the test split. Only `sweep confirm` calls it.

        The function takes a Trial, gets the saved state from `trial.restore`, and returns the metric.
        """
        check_signature(function)
        self.test_function = function
        return function

    def train(self, start: TrialStart, exchange: Exchange) -> None:
        """Run the function on a trial. Each round goes to `exchange`. Raises CodeError, and what the code raises."""
        trial = Trial(start, exchange)
        returned = self.function(trial)
        if trial.rounds_done == 0 and not trial.has_reported:
            trial.report(self._figures(returned))
        trial.finish()
        exchange(Returned())

    def score_on_test(self, start: TrialStart) -> float:
        """The metric of the state `start.saved` on the test split. Raises CodeError if it is not a number."""
        assert self.test_function is not None
        found = self.test_function(Trial(start, _no_rounds))
        if hasattr(found, "item"):
            found = found.item()
        if isinstance(found, bool) or not isinstance(found, numbers.Real):
            raise CodeError(
                f"{self.test_function.__name__} returned {found!r:.100}, but must return {self.metric} on the test "
                "split as a number."
            )
        return float(found)

    def _figures(self, returned: Any) -> Mapping[str, Any]:
        """The figures of the only round of a function that reports nothing but returns its result."""
        if isinstance(returned, Mapping):
            return returned
        if returned is None:
            raise CodeError(
                f"{self.__name__} returned but reported nothing. Call trial.report({self.metric}=…) in each round, or "
                f"return {self.metric} if there is only one round."
            )
        if not hasattr(returned, "item") and (
            isinstance(returned, bool) or not isinstance(returned, numbers.Real)
        ):
            raise CodeError(
                f"{self.__name__} returned {returned!r:.100}, but must return {self.metric} as a number, or a mapping "
                "of names to numbers."
            )
        return {self.metric: returned}


def objective(*misplaced: Any, **declared: Any) -> Callable[[Function], FunctionObjective]:
    """Declare a training function that can be swept.

    metric: the name of the reported figure that is optimised. direction: "maximize" or "minimize". rounds: the most
    rounds of a trial unless a launch gives another number; 1 by default. space: a mapping from each parameter to a
    range `(low, high)`, a list of choices, `log`, `integer`, `choice`, `when`, an Optuna distribution, or a fixed
    value. Instead, the space may be in a YAML file beside the code or be given at launch. name: the first part of the
    studies' names; by default the file's name. chance: the score of a model that has learnt nothing. valid_rows: the
    number of rows on which the metric is computed. files: paths, relative to the folder of this file, of data and of
    code that is loaded by its path. If one of them changes, `sweep resume` refuses to continue the study.

    Raises CodeError, whose message says what is wrong.
    """
    if misplaced:
        _refuse(
            'takes named arguments only: write @sweeps.objective(metric="accuracy", direction="maximize", …)'
        )
    for key in ("metric", "direction"):
        if key not in declared:
            _refuse(f'needs {key}: write @sweeps.objective(metric="accuracy", direction="maximize", …)')
    known = inspect.signature(FunctionObjective).parameters
    for key in declared:
        if key not in known or key == "function":
            _refuse(
                f"has no argument {key!r}. It has: {', '.join(name for name in known if name != 'function')}"
            )
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
        _refuse(f"rounds={rounds!r} must be a whole number of at least 1")
    if space is not None and not isinstance(space, Mapping):
        _refuse(f"space={space!r:.60} must be a mapping from parameter to range")
    if name is not None and not isinstance(name, str):
        _refuse(f"name={name!r} must be text")
    if chance is not None and (isinstance(chance, bool) or not isinstance(chance, int | float)):
        _refuse(f"chance={chance!r} must be a number")
    if isinstance(valid_rows, bool) or not isinstance(valid_rows, int) or valid_rows < 0:
        _refuse(f"valid_rows={valid_rows!r} must be a whole number of at least 0")
    if not are_paths(files):
        _refuse(f"files={files!r:.100} must be a list of paths")


def are_paths(files: Any) -> bool:
    """Whether `files` is a list of paths."""
    return isinstance(files, list | tuple) and all(isinstance(each, str | Path) for each in files)


def _refuse(why: str) -> NoReturn:
    raise CodeError(f"@sweeps.objective {why}.")


def check_signature(
    function: Any,
    *,
    reports: str = "trial.report(…) instead, in a loop over trial.rounds()",
    takes: str = "trial.params",
) -> None:
    """Raises CodeError unless `function` can be called with one argument, the trial, and trains during that call.

    reports, takes: for the message, how such a function reports its rounds, and where it gets its parameters.
    """
    if not callable(function):
        raise CodeError(f"@sweeps.objective must decorate a function, not {function!r:.60}.")
    body = getattr(function, "func", function)
    body = body if inspect.isroutine(body) else type(body).__call__
    name = getattr(function, "__name__", getattr(body, "__name__", "the function"))
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        raise CodeError(
            f"{name} contains `yield`, so calling it trains nothing. Report each round with {reports}."
        )
    if inspect.iscoroutinefunction(body):
        raise CodeError(
            f"{name} is `async`, so calling it trains nothing. Write a plain `def {name}(trial):`."
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
    raise CodeError("a test function can't report rounds. It must return the metric on the test split.")
