"""Finds the code to sweep from the reference that a user gives: a file or module, and the name of an object in it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from objectives.errors import UnknownTaskError
from objectives.local_modules import find_module
from objectives.source_code import Sources, read_sources
from objectives.source_file import SourceFile
from objectives.spelling import did_you_mean
from objectives.task import Task
from sweeps.own_code.arguments import check_arguments
from sweeps.own_code.objective import Direction, FunctionObjective, check_signature
from sweeps.own_code.optuna_trial import OptunaObjective

OwnObjective = FunctionObjective | OptunaObjective
OWN_OBJECTIVES = (FunctionObjective, OptunaObjective)
# A file without any of these words has nothing that can be swept. It is not run, because it may train when it is run.
_MAY_BE_SWEPT = re.compile(r"objective|Task|import\s*\*")
_PLAIN = {  # what a function without a decorator must do
    "reports": "trial.report(value, step)",
    "takes": "trial.params below @sweeps.objective(space=…, metric=…, direction=…), or without a decorator from "
    "Optuna's trial.suggest_float(…)",
}
_USUAL_NAMES = ("train", "objective", "main")


@dataclass(frozen=True)
class OwnCode:
    """A user's own code, and which object in it is swept.

    attribute: the object's name. module: the module's name, if the reference gave it; empty if it gave a file.
    """

    sources: Sources
    attribute: str
    module: str = ""

    @property
    def reference(self) -> str:
        """The reference with which the code is found again; if the user named a file, from any folder."""
        return f"{self.module or self.sources.main.path}:{self.attribute}"

    def load(self) -> OwnObjective | type[Task]:
        """Import the code and return the object. Raises UnknownTaskError if it does not exist or can't be swept."""
        module = self.sources.load()
        found = getattr(module, self.attribute, None)
        if isinstance(found, FunctionObjective):
            return found
        if isinstance(found, type) and issubclass(found, Task) and found is not Task:
            return found
        if found is not None and _is_called(found):
            check_signature(found, **_PLAIN)
            return OptunaObjective(found, name=self.name, direction=_direction_in(self.sources.main))
        raise UnknownTaskError(_nothing_there(self.sources.main, self.attribute, found, module))

    @property
    def name(self) -> str:
        """The first part of its studies' names: the file's name, and the object's if it is not a usual one."""
        stem = Path(self.sources.main.path).stem
        return stem if self.attribute in (*_USUAL_NAMES, stem) else f"{stem}-{self.attribute}"


def is_own(reference: str) -> bool:
    """Whether a reference is FILE.py, FILE.py:NAME or package.module:NAME, rather than the name of a task."""
    return reference.endswith(".py") or ":" in reference


def find(reference: str, *, before_loading: Callable[[Sources], None] | None = None) -> OwnCode:
    """The code that `reference` names. If it names no object, the only object there that can be swept.

    before_loading: a function that is called with the files before any of them is run; it may raise. Raises
    UnknownTaskError, whose message lists what there is.
    """
    reference = reference.replace("::", ":")
    place, _, attribute = (reference, "", "") if reference.endswith(".py") else reference.rpartition(":")
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UnknownTaskError(
                f"{Path(place).resolve()}: there is no such file. Name your own code as my_file.py:NAME, where NAME is "
                "a function or a Task class."
            )
        sources, module = read_sources(Path(place)), ""
    else:
        path = find_module(place)
        if path is None:
            raise UnknownTaskError(
                f"{reference}: there is no module {place!r} in this folder or on Python's path. To name a file, use "
                "my_file.py:NAME."
            )
        sources, module = read_sources(path, place), place
    if before_loading is not None:
        before_loading(sources)
    if attribute:
        check_arguments(sources.main.text, attribute, **_PLAIN)
    return OwnCode(sources, attribute or _only_one(sources), module)


def _only_one(sources: Sources) -> str:
    names = _candidates(sources.load()) if _MAY_BE_SWEPT.search(sources.main.text) else []
    if len(names) == 1:
        return names[0]
    path = sources.main.path
    if not names:
        raise UnknownTaskError(
            f"{path} has nothing to sweep. It needs a function that is decorated with @sweeps.objective(…), a function "
            "`objective(trial)` for Optuna, or a Task class. `sweep new NAME` writes a file with an example."
        )
    listed = ", ".join(f"{Path(path).name}:{name}" for name in names)
    raise UnknownTaskError(f"{path} has several objects that can be swept. Name one: {listed}.")


def _candidates(module: ModuleType) -> list[str]:
    """The names of the decorated functions and Task classes that a module defines; else `objective`, if it exists."""
    declared = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
        and (
            isinstance(value, FunctionObjective)
            or (isinstance(value, type) and issubclass(value, Task) and value is not Task)
        )
    ]
    return declared or [name for name in ("objective",) if _is_called(getattr(module, name, None))]


def _is_called(found: Any) -> bool:
    """Whether `found` is a function, or an object that can be called like one."""
    return callable(found) and not isinstance(found, type)


def _nothing_there(main: SourceFile, attribute: str, found: Any, module: ModuleType) -> str:
    if found is not None:
        return (
            f"{main.path}: {attribute!r} is a {type(found).__name__}, which can't be swept. Name a function that is "
            "decorated with @sweeps.objective(…), an Optuna objective or a Task class."
        )
    names = [
        name for name, value in vars(module).items() if inspect.isroutine(value) or isinstance(value, type)
    ]
    known = [*_candidates(module), *names]
    return f"{main.path} has no task class or function {attribute!r}{did_you_mean(attribute, known)}"


def _direction_in(main: SourceFile) -> Direction:
    """The direction in the file's own call of `create_study`; `minimize`, as in Optuna, if it gives none.

    Raises UnknownTaskError for several directions.
    """
    for node in ast.walk(ast.parse(main.text)):
        if (
            not isinstance(node, ast.Call)
            or getattr(node.func, "attr", getattr(node.func, "id", "")) != "create_study"
        ):
            continue
        for each in node.keywords:
            if each.arg == "directions":
                raise UnknownTaskError(
                    f"{main.path}:{node.lineno}: this study has several objectives (directions=…), but a sweep can "
                    "have only one."
                )
            if each.arg == "direction" and isinstance(each.value, ast.Constant):
                return "maximize" if each.value.value == "maximize" else "minimize"
    return "minimize"
