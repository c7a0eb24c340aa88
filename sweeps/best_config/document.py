"""Makes the text of best.yaml, and reads the file.

Floats are written in the shortest form that gives the same bits when read. Reading needs no database.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from objectives.checked_yaml import read_checked
from objectives.errors import ObjectiveError
from sweeps.best_config.model import BestConfig
from sweeps.errors import UsageError

_SIMPLE = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)


def read_config(path: Path) -> BestConfig:
    """The configuration in `path`. Raises UsageError if the file is no valid configuration; the message says why."""
    try:
        return read_checked(path, BestConfig)
    except ObjectiveError as error:
        raise UsageError(f"{error} `sweep export` writes a file that can be replayed.") from None


def to_yaml(config: Mapping[str, Any], comment: str) -> str:
    """`config` as YAML, with one line for each round.

    The rounds, which come last, are formatted here, because a YAML library needs milliseconds for each of them, and the
    driver would have to wait.
    """
    document = CommentedMap({name: value for name, value in config.items() if name != "rounds"})
    document.yaml_set_start_comment(comment)
    lines = [f"- {_flow(figures)}\n" for figures in config["rounds"]]
    return _dumped(document) + ("rounds:\n" + "".join(lines) if lines else "rounds: []\n")


def _flow(value: Any) -> str:
    """A number, null, or a mapping of these, on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_key(name)}: {_flow(each)}" for name, each in value.items()) + "}"
        case float():
            return _float_text(value)
        case None | bool():
            return json.dumps(value)
        case int():
            return str(value)
    raise TypeError(f"a round has numbers, not {type(value).__name__}")


@lru_cache
def _key(name: str) -> str:
    """A name as the key of a mapping on one line, with quotes where YAML needs them.

    ruamel.yaml writes some names without quotes, such as `:0`, that it can't read without them. So only simple names
    are written without quotes.
    """
    if name.isprintable() and not _SIMPLE.fullmatch(name):
        return json.dumps(name, ensure_ascii=False)
    line = CommentedMap({name: 0})
    line.fa.set_flow_style()
    return _dumped(line).strip().removeprefix("{").removesuffix(": 0}")


def _dumped(document: CommentedMap) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.representer.add_representer(float, _represent_float)
    yaml.representer.add_representer(
        type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _float_text(value: float) -> str:
    """The shortest text that gives the same double when read; with a point, as YAML requires."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "." in text:
        return text
    return text.replace("e", ".0e") if "e" in text else f"{text}.0"


def _represent_float(representer: Any, value: float) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:float", _float_text(value))
