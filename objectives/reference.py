"""Turns a task class or a function into a reference from which a worker can load it again."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from objectives.errors import UnknownTaskError
from objectives.registry import BUILT_IN
from objectives.task import Task


def reference_of(found: Any) -> str:
    """The name of a registered task, else `path.py:NAME`, from which workers load the code.

    found: a Task class or instance, or a function. Raises UnknownTaskError if it is not defined in a file, or not under
    a name at the top level of that file.
    """
    if isinstance(found, Task):
        found = type(found)
    module = sys.modules.get(getattr(found, "__module__", ""))
    if module is None:  # its code was loaded for one study, but that of another is active now
        name, file = _as_defined(found)
    else:
        name = next((name for name, value in vars(module).items() if value is found), "")
        file = getattr(module, "__file__", None)
    if module is not None and f"{module.__name__}:{name}" in BUILT_IN.values():
        return str(found.name)
    called = getattr(found, "__qualname__", getattr(found, "__name__", repr(found)))
    if file is None or not Path(file).is_file():
        raise UnknownTaskError(
            f"{called} is not in a file (it was typed into an interpreter or a notebook), so workers can't load it. "
            "Write it into a file, and import it from there."
        )
    if not name or name == "<lambda>":
        raise UnknownTaskError(
            f"{called} can't be found again in {file}: it must have a name there, outside of any function."
        )
    return f"{Path(file).resolve()}:{name}"


def _as_defined(found: Any) -> tuple[str, str | None]:
    """The name under which a class or function was defined, and the file. The name is empty inside a function."""
    members = [found, *vars(found).values()] if isinstance(found, type) else [found]
    codes = (getattr(inspect.unwrap(each), "__code__", None) for each in members if callable(each))
    file = next((code.co_filename for code in codes if code is not None), None)
    name = str(getattr(found, "__qualname__", ""))
    return ("" if "." in name else name), file
