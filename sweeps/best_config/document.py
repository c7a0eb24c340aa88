"""Writes best.yaml, whole or not at all, and reads it.

Floats are written in the shortest form that gives the same bits when read. Reading needs no database.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from objectives.checked_yaml import read_checked
from objectives.errors import ObjectiveError
from sweeps.best_config.model import BestConfig
from sweeps.errors import UsageError


def read_config(path: Path) -> BestConfig:
    """The configuration in `path`. Raises UsageError if the file is not one; the message says why."""
    try:
        return read_checked(path, BestConfig)
    except ObjectiveError as error:
        raise UsageError(f"{error} `sweep export` writes a file that can be replayed.") from None


def to_yaml(config: Mapping[str, Any], comment: str) -> str:
    """`config` as YAML, with one line for each round."""
    document = CommentedMap(config)
    document.yaml_set_start_comment(comment)
    document["rounds"] = CommentedSeq(_on_one_line(figures) for figures in config["rounds"])
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.representer.add_representer(float, _represent_float)
    yaml.representer.add_representer(
        type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _on_one_line(figures: Mapping[str, Any]) -> CommentedMap:
    line = CommentedMap(figures)
    line.fa.set_flow_style()
    return line


def _represent_float(representer: Any, value: float) -> Any:
    """The shortest text that gives the same double when read; with a point, as YAML requires."""
    if math.isfinite(value):
        text = repr(value)
        if "." not in text:
            text = text.replace("e", ".0e") if "e" in text else f"{text}.0"
    else:
        text = ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return representer.represent_scalar("tag:yaml.org,2002:float", text)
