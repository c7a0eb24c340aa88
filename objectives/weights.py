"""Weights on disk: written atomically, checked by a digest of their content, loaded without pickles."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectives.errors import WeightsError
from objectives.packed import Packed
from objectives.whole_file import write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values: equal for equal weights, however they are stored."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def pack_weights(weights: Mapping[str, Tensor]) -> Packed:
    """`weights` as a file's content, with the digest of the tensors."""
    import torch

    content = io.BytesIO()  # torch's own writer of files hides why one can't be written
    torch.save({name: tensor.detach().cpu() for name, tensor in weights.items()}, content)
    return Packed(content.getvalue(), weights_digest(weights))


def save_weights(weights: Mapping[str, Tensor], path: Path) -> str:
    """Write `weights` to `path`, whole or not at all; returns their digest."""
    packed = pack_weights(weights)
    write_whole(path, packed.content)
    return packed.digest


def load_weights(path: Path, digest: str | None = None) -> dict[str, Tensor]:
    """The weights in `path`, on the CPU.

    Raises WeightsError when the file is missing, unreadable, or its content differs from `digest`.
    """
    import torch

    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no such weights file. Replay the configuration to make it again (`sweep replay`)."
        ) from None
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror}).") from error
    except Exception as error:  # what a damaged file raises depends on the damage
        raise _damaged(path) from error
    if not isinstance(weights, dict) or not all(isinstance(each, torch.Tensor) for each in weights.values()):
        raise _damaged(path)
    if digest is not None and weights_digest(weights) != digest:
        raise WeightsError(f"{path}: not the weights that were recorded (digest {digest[:12]}…).")
    return weights


_NEEDED = (
    "task",
    "parameters",
    "example_rows.shape",
    "example_rows.dtype",
    "example_rows.target_dtype",
    "weights.file",
    "weights.digest",
)


def _damaged(path: Path) -> WeightsError:
    return WeightsError(
        f"{path}: damaged, or no file of weights. Replay the configuration to make it again (`sweep replay`)."
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
    from objectives.task import Rows

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
