"""Weights on disk: written atomically, checked by a digest of their content, loaded without pickles."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectives.errors import WeightsError

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


def save_weights(weights: Mapping[str, Tensor], path: Path) -> str:
    """Write `weights` to `path`, whole or not at all; returns their digest."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        torch.save({name: tensor.detach().cpu() for name, tensor in weights.items()}, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return weights_digest(weights)


def load_weights(path: Path, digest: str | None = None) -> dict[str, Tensor]:
    """The weights in `path`, on the CPU.

    Raises WeightsError when the file is missing, unreadable, or its content differs from `digest`.
    """
    import pickle

    import torch

    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no such weights file. Replay the configuration to make it again (`sweep replay`)."
        ) from None
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path}: can't be read as weights ({error}).") from error
    if digest is not None and weights_digest(weights) != digest:
        raise WeightsError(f"{path}: not the weights that were recorded (digest {digest[:12]}…).")
    return weights


def load_model(best_config: str | Path) -> nn.Module:
    """The module that an exported best configuration describes, its weights loaded, in evaluation mode.

    `best_config` is the YAML that `sweep launch` or `sweep export` wrote; the weights file it names is
    looked for beside it. The data set is not needed.

    Raises WeightsError when there is no weights file or its digest differs, ObjectiveError when the file
    is no best configuration.
    """
    import torch
    from ruamel.yaml import YAML

    from objectives.errors import ObjectiveError
    from objectives.registry import get_task
    from objectives.task import Rows

    path = Path(best_config)
    try:
        config: dict[str, Any] = YAML(typ="safe").load(path.read_text())
        task = get_task(config["task"])
        parameters = task.parameters_from(config["parameters"])
        rows = config["example_rows"]
        weights = config["weights"]
    except FileNotFoundError:
        raise ObjectiveError(f"{path}: no such file.") from None
    except (KeyError, TypeError) as error:
        raise ObjectiveError(f"{path}: not an exported best configuration ({error!r} is missing).") from None
    if weights is None:
        raise WeightsError(f"{path} names no weights; export it with `sweep export --weights FILE.pt`.")
    shape, dtype = rows["shape"], getattr(torch, rows["dtype"])
    target_dtype = getattr(torch, rows["target_dtype"])
    example = task.prepare(
        Rows(torch.zeros((2, *shape), dtype=dtype), torch.zeros(2, dtype=target_dtype)), parameters
    )
    model = task.build(parameters, example)
    model.load_state_dict(load_weights(path.parent / weights["file"], weights["digest"]))
    return model.eval()
