"""Checks a YAML file with a pydantic model. An error becomes one short message.

The file may come from an unknown source: messages cut long values; endless nesting and circular references are refused.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from objectives.errors import ObjectiveError

M = TypeVar("M", bound=BaseModel)
_KINDS = {
    "int": "a whole number",
    "int_from_float": "a whole number",
    "float": "a number",
    "string": "a word",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}


def read_checked(path: Path, model: type[M]) -> M:
    """The content of `path` as a `model`. Raises ObjectiveError; its message says in one line what is wrong."""
    return checked(read_yaml(path), model, str(path))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, plain values only. Raises ObjectiveError if it is not YAML."""
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ObjectiveError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ObjectiveError(f"{path}: can't be read ({short(error)}).") from None
    except RecursionError:
        raise ObjectiveError(f"{path}: can't be read: it is nested too deeply.") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise ObjectiveError(f"{path}: not YAML: {short(error.problem or error)}{line}") from None
    except (YAMLError, ValueError) as error:  # ValueError: an impossible date, a number of 5,000 digits
        raise ObjectiveError(f"{path}: not YAML: {short(error)}") from None


def checked(content: Any, model: type[M], source: str) -> M:
    """`content` as a `model`. Raises ObjectiveError; its message names `source` and the error."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ObjectiveError(f"{source}: {_flaw(error)}.") from None


def shown(value: Any) -> str:
    """A value for messages, cut if it is long."""
    return _SHORT.repr(value)


def key(name: object) -> str:
    """A key for messages, cut if it is long, with control characters escaped."""
    text = shown(name)
    return text[1:-1] if isinstance(name, str) else text


def short(message: object) -> str:
    """The first line of a message, cut if it is long."""
    line = (str(message).strip().splitlines() or [""])[0]
    return line if len(line) <= 200 else f"{line[:200]}…"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2


def _flaw(error: ValidationError) -> str:
    """The first error, or all missing keys. A wrong format comes first, because it explains the others."""
    flaws = error.errors(include_url=False)
    flaws.sort(key=lambda flaw: flaw["loc"] != ("format",) or flaw["type"] == "missing")
    first = flaws[0]
    missing = [_place(flaw) for flaw in flaws if flaw["type"] == "missing"]
    if first["type"] == "model_type" and not first["loc"]:
        return f"not an exported configuration, but {shown(first['input'])}"
    if first["loc"] != ("format",) and missing:
        return f"not an exported configuration: it lacks {', '.join(missing)}"
    return _explained(first)


def _explained(flaw: Mapping[str, Any]) -> str:
    if flaw["type"] == "value_error":  # a message of the model's own checks
        return str(flaw["ctx"]["error"])
    kind = _KINDS.get(flaw["type"].removesuffix("_type").removesuffix("_parsing"))
    why = f"is not {kind}" if kind else f"can't be ({short(flaw['msg'])})"
    return f"{_place(flaw)}: {shown(flaw['input'])} {why}"


def _place(flaw: Mapping[str, Any]) -> str:
    return ".".join(key(part) for part in flaw["loc"])
