"""The model that an exported best configuration describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectives.checkpoints.weights import load_weights
from objectives.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


_NEEDED = (
    "task",
    "parameters",
    "example_rows.shape",
    "example_rows.dtype",
    "example_rows.target_dtype",
    "weights.file",
    "weights.digest",
)


def load_model(best_config: str | Path) -> nn.Module:
    """The module that an exported best configuration describes, its weights loaded, in evaluation mode.

    `best_config` is the YAML that `sweep launch` or `sweep export` wrote; the weights file it names is
    looked for beside it. The data set is not needed.

    Raises WeightsError when there is no weights file or its digest differs, ObjectiveError when the file
    is no best configuration.
    """
    import torch
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from objectives.errors import ObjectiveError
    from objectives.registry import get_task
    from objectives.rows.rows import Rows

    path = Path(best_config)
    try:
        config = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ObjectiveError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        why = getattr(error, "problem", None) or error
        raise ObjectiveError(f"{path}: can't be read as YAML ({why}).") from error
    if lacking := [name for name in _NEEDED if not _has(config, name)]:
        raise ObjectiveError(f"{path}: not an exported best configuration: it lacks {', '.join(lacking)}.")
    rows, weights = config["example_rows"], config["weights"]
    if weights is None:
        raise WeightsError(f"{path} names no weights; export it with `sweep export --weights FILE.pt`.")
    task = get_task(config["task"])
    parameters = task.parameters_from(config["parameters"])
    inputs = torch.zeros((2, *rows["shape"]), dtype=getattr(torch, rows["dtype"]))
    targets = torch.zeros(2, dtype=getattr(torch, rows["target_dtype"]))
    model = task.rebuild(parameters, task.prepare(Rows(inputs, targets), parameters))
    found = load_weights(path.parent / weights["file"], weights["digest"])
    try:
        model.load_state_dict(found)
    except RuntimeError as error:
        raise WeightsError(f"{path}: its weights are not of the model that it describes.") from error
    return model.eval()


def _has(record: Any, path: str) -> bool:
    key, _, rest = path.partition(".")
    if not isinstance(record, dict) or key not in record:
        return False
    return not rest or record[key] is None or _has(record[key], rest)
