"""The exported best configuration: written whole or not at all, and replayed round by round.

The file holds all that a trial is a function of, and every recorded round, with floats in the shortest
form that reads back to the same bits. No database is needed to replay it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from objectives import Splits
from objectives.checkpoints.atomic_write import write_whole
from objectives.round import FIGURES
from sweeps.errors import UsageError

FORMAT = 1
_KINDS: dict[str, type] = {
    "format": int,
    "task": str,
    "parameters": dict,
    "metric": str,
    "value": float,
    "best_round": int,
    "seed": int,
    "budget": int,
    "data": dict,
    "environment": dict,
    "rounds": list,
    "data.name": str,
    "data.digest": str,
    "environment.versions": dict,
    "environment.threads": int,
}


def write_config(path: Path, config: Mapping[str, Any], comment: str) -> None:
    """Write `config` as YAML to `path`, atomically."""
    write_whole(path, to_yaml(config, comment).encode())


def to_yaml(config: Mapping[str, Any], comment: str) -> str:
    """`config` as YAML: a round a line."""
    document = CommentedMap(config)
    document.yaml_set_start_comment(comment)
    rounds = CommentedSeq()
    for figures in config["rounds"]:
        line = CommentedMap(figures)
        line.fa.set_flow_style()
        rounds.append(line)
    document["rounds"] = rounds
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.representer.add_representer(float, _represent_float)
    yaml.representer.add_representer(
        type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _represent_float(representer: Any, value: float) -> Any:
    """The shortest text that reads back to the same double; with a point, as YAML wants it."""
    if math.isfinite(value):
        text = repr(value)
        if "." not in text:
            text = text.replace("e", ".0e") if "e" in text else f"{text}.0"
    else:
        text = ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return representer.represent_scalar("tag:yaml.org,2002:float", text)


def read_config(path: Path) -> dict[str, Any]:
    """The configuration in `path`. Raises UsageError for a file that is none, saying what is amiss."""
    try:
        config = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read ({error}).") from None
    except (YAMLError, ValueError) as error:  # ValueError: an impossible date, a number of 5,000 digits
        raise UsageError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    flaw = _flaw(config)
    if flaw is not None:
        raise UsageError(f"{path}: {flaw}. `sweep export` writes a file that can be replayed.")
    return dict(config)


def _flaw(config: Any) -> str | None:
    """What is wrong with a configuration that was read, or None."""
    if missing := [key for key in _KINDS if _at(config, key) is _MISSING]:
        return f"no exported configuration: it lacks {', '.join(missing)}"
    for key, kind in _KINDS.items():
        if not isinstance(_at(config, key), kind):
            return f"{key}: {_at(config, key)!r} is no {_NAMES_OF_KINDS[kind]}"
    if config["format"] != FORMAT:
        return f"written in format {config['format']}, while this version reads format {FORMAT}"
    for key in ("most_train_rows", "most_valid_rows", "folds", "repeat"):
        if not isinstance(config["data"].get(key, 0), int):
            return f"data.{key}: {config['data'][key]!r} is no whole number"
    if not isinstance(config["data"].get("fraction", 1.0), float):
        return f"data.fraction: {config['data']['fraction']!r} is no number with a point"
    rounds, budget = config["rounds"], config["budget"]
    for number, figures in enumerate(rounds, start=1):
        if (flaw := _flaw_of_round(number, figures)) is not None:
            return flaw
    if not 1 <= len(rounds) <= budget:
        return f"{len(rounds)} rounds are recorded of a budget of {budget}"
    best = config["best_round"]
    if not 1 <= best <= len(rounds):
        return f"best_round {best} is none of the {len(rounds)} rounds that are recorded"
    if repr(float(config["value"])) != repr(float(rounds[best - 1]["valid_score"])):
        return f"value {config['value']!r} is not that of round {best}, {rounds[best - 1]['valid_score']!r}"
    return None


_MISSING = object()
_NAMES_OF_KINDS = {
    int: "whole number",
    float: "number with a point",
    str: "word",
    dict: "mapping",
    list: "list",
}


def _at(config: Any, key: str) -> Any:
    name, _, rest = key.partition(".")
    if not isinstance(config, dict) or name not in config:
        return _MISSING
    return _at(config[name], rest) if rest else config[name]


def _flaw_of_round(number: int, figures: Any) -> str | None:
    if not isinstance(figures, dict):
        return f"round {number}: {figures!r} is no mapping"
    if wrong := set(figures) ^ set(FIGURES):
        return f"round {number} lacks or has too many figures: {', '.join(sorted(map(str, wrong)))}"
    for name, value in figures.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"round {number}: {name}: {value!r} is no number"
    if figures["index"] != number:
        return f"round {figures['index']} stands where round {number} belongs"
    return None


def example_rows(splits: Splits) -> dict[str, Any]:
    """Shape and types of a row, from which a model can be built without the data."""
    return {
        "shape": list(splits.train.inputs.shape[1:]),
        "dtype": str(splits.train.inputs.dtype).removeprefix("torch."),
        "target_dtype": str(splits.train.targets.dtype).removeprefix("torch."),
    }
