"""Space files of other tools.

A Weights & Biases sweep is read directly. For files of other tools, the error message shows the space in our form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Record = dict[str, Any]  # parameters, as they are written in our YAML
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

# Other keys of a Weights & Biases sweep, each with the part of our launch that has its role.
WANDB_KEYS = {
    "method": "the sampler",
    "metric": "the code",
    "early_terminate": "the stop rule",
    "run_cap": "the number of trials",
    "name": "the name of the study",
    **dict.fromkeys(("program", "command"), "the launch"),
    **dict.fromkeys(("description", "entity", "project", "job", "image_uri", "controller"), ""),
}
_WANDB_WORDS = {
    "value",
    "values",
    "min",
    "max",
    "distribution",
    "q",
    "mu",
    "sigma",
    "probabilities",
    "parameters",
}
_WANDB_LOG = {"log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values"}


def is_wandb(document: Mapping[str, Any]) -> bool:
    """Whether `document` is a Weights & Biases sweep.

    It is one if it has `parameters:` written in their form, or `parameters:` and `method:`.
    """
    entries = document.get("parameters")
    if not isinstance(entries, Mapping) or "format" in document:
        return False
    is_theirs = any(
        isinstance(each, Mapping) and not _WANDB_WORDS.isdisjoint(each) for each in entries.values()
    )
    return is_theirs or "method" in document


def from_wandb(document: Mapping[str, Any]) -> Record:
    """The parameters of a Weights & Biases sweep in our form.

    Raises ValueError, naming the parameter, if one can't be written in our form.
    """
    return {str(name): _wandb_parameter(str(name), each) for name, each in document["parameters"].items()}


def not_used_of_wandb(document: Mapping[str, Any]) -> str:
    """Say which keys of a Weights & Biases sweep are not used, and what has their role here."""
    said = {key: WANDB_KEYS[key] for key in document if key in WANDB_KEYS}
    others = [f"{key} ({here})" if here else key for key, here in said.items()]
    for name, each in document["parameters"].items():
        words = each if isinstance(each, Mapping) else {}
        is_log = "log" in str(words.get("distribution", ""))
        others += [
            f"{key} of {name}" for key in ("probabilities", "q") if key in words and (is_log or key != "q")
        ]
    used = "a Weights & Biases sweep: its parameters are used"
    return f"{used}, and these are not: {', '.join(others)}" if others else used


def our_form_of(document: Any) -> str | None:
    """The parameters of another tool's file in our form, as YAML; None if it is not a file of a known tool."""
    for tool, read in _TOOLS.items():
        try:
            record = read(document)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            continue
        if record:
            lines = [f"  {name}: {_written(domain)}" for name, domain in record.items()]
            return "\n".join([f"# from the {tool} file", "space:", *lines])
    return None


def _wandb_parameter(name: str, given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    if "parameters" in given:
        raise ValueError(f"{name}: nested parameters can't be used; give each parameter a name of its own")
    if "value" in given:
        return given["value"]
    if "values" in given:
        values = list(given["values"])
        return {"choices": values} if len(values) > 1 else values[0]
    kind = str(given.get("distribution", "uniform"))
    if "min" not in given or "max" not in given:
        raise ValueError(
            f"{name}: {kind} without min and max can't be used: a space has only bounded ranges and choices"
        )
    low, high = given["min"], given["max"]
    if kind in ("log_uniform", "q_log_uniform"):
        return _range(math.exp(low), math.exp(high), log=True)
    if kind in _WANDB_LOG:
        return _range(low, high, log=True)
    if kind in ("uniform", "int_uniform", "q_uniform"):
        return _range(low, high, step=given.get("q"))
    raise ValueError(
        f"{name}: the distribution {kind} can't be used; write a range, a range with log: true, or choices"
    )


def _range(low: float, high: float, *, log: bool = False, step: float | None = None) -> Record:
    record: Record = {"low": low, "high": high}
    if log:
        record["log"] = True
    return record if step is None else {**record, "step": step}


def _nni(document: Mapping[str, Any]) -> Record:
    entries = document.get("searchSpace", document.get("search_space", document))
    found = {}
    for name, each in entries.items():
        kind, value = each["_type"], each["_value"]
        if kind == "choice":
            found[name] = {"choices": list(value)}
        elif kind in ("randint", "quniform", "uniform", "loguniform"):
            high = value[1] - 1 if kind == "randint" else value[1]
            step = value[2] if kind == "quniform" else None
            found[name] = _range(value[0], high, log=kind == "loguniform", step=step)
    return found


def _katib(document: Mapping[str, Any]) -> Record:
    found: Record = {}
    for each in document["spec"]["parameters"]:
        room = each["feasibleSpace"]
        if "list" in room:
            found[each["name"]] = {"choices": [_plain(str(value)) for value in room["list"]]}
        else:
            step = _plain(str(room["step"])) if "step" in room else None
            found[each["name"]] = _range(_plain(str(room["min"])), _plain(str(room["max"])), step=step)
    return found


def _hydra(document: Mapping[str, Any]) -> Record:
    found: Record = {}
    for name, text in document["hydra"]["sweeper"]["params"].items():
        plain = re.sub(r"tag\(\w+, *|int\(", "", str(text))
        call = re.fullmatch(r"(\w+)\((.*?)\)+", plain)
        parts = [_plain(part.strip()) for part in (call[2] if call else str(text)).split(",")]
        if call and call[1] in ("interval", "range"):
            found[str(name)] = _range(parts[0], parts[1], log="log" in str(text))
        else:
            found[str(name)] = {"choices": parts} if len(parts) > 1 else parts[0]
    return found


def _determined(document: Mapping[str, Any]) -> Record:
    found: Record = {}
    for name, each in document["hyperparameters"].items():
        match each.get("type", "const") if isinstance(each, Mapping) else "plain":
            case "plain":
                found[name] = each
            case "const":
                found[name] = each["val"]
            case "categorical":
                found[name] = {"choices": list(each["vals"])}
            case "log":
                base = float(each.get("base", 10))
                found[name] = _range(base ** each["minval"], base ** each["maxval"], log=True)
            case _:
                found[name] = _range(each["minval"], each["maxval"])
    return found


def _guild(document: Any) -> Record:
    found: Record = {}
    for name, each in _guild_flags(document).items():
        if isinstance(each, list):
            found[name] = {"choices": list(each)}
        elif isinstance(each, Mapping):
            found[name] = _guild_flag(each)
        elif ranged := re.fullmatch(
            r"(log|)uniform\[(.+?):(.+?)(?::.*)?\]|\[(.+?):(.+?)(?::.*)?\]", str(each)
        ):
            low, high = (ranged[2], ranged[3]) if ranged[2] else (ranged[4], ranged[5])
            found[name] = _range(_plain(low), _plain(high), log=ranged[1] == "log")
        else:
            found[name] = each
    return found


def _guild_flags(document: Any) -> Mapping[str, Any]:
    """The flags of the first operation that has some, of a file with or without models."""
    for each in document if isinstance(document, list) else [document]:
        if "flags" in each:
            return dict(each["flags"])
        for operation in each.get("operations", each).values():
            if isinstance(operation, Mapping) and "flags" in operation:
                return dict(operation["flags"])
    raise KeyError("flags")


def _guild_flag(flag: Mapping[str, Any]) -> Any:
    if "choices" in flag:
        return {"choices": [each["value"] if isinstance(each, Mapping) else each for each in flag["choices"]]}
    return _range(flag["min"], flag["max"]) if "min" in flag and "max" in flag else flag["default"]


_TOOLS: dict[str, Callable[[Any], Record]] = {
    "Katib": _katib,
    "Hydra": _hydra,
    "Determined": _determined,
    "Guild": _guild,
    "NNI": _nni,
}


def _plain(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(each) for each in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
