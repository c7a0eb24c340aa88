"""Weights on disk: written atomically, checked by a digest of their content, loaded without pickles."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from objectives.checkpoints.atomic_write import write_whole
from objectives.checkpoints.packed_file import PackedFile
from objectives.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values: equal weights have equal digests, however they are stored."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def pack_weights(weights: Mapping[str, Tensor]) -> PackedFile:
    """`weights` as the content of a file, with the digest of the tensors."""
    import torch

    content = io.BytesIO()  # torch's own writer does not tell why a file can't be written
    torch.save({name: tensor.detach().cpu() for name, tensor in weights.items()}, content)
    return PackedFile(content.getvalue(), weights_digest(weights))


def save_weights(weights: Mapping[str, Tensor], path: Path) -> str:
    """Write `weights` to `path`, whole or not at all, and return their digest."""
    packed = pack_weights(weights)
    write_whole(path, packed.content)
    return packed.digest


def load_weights(path: Path, digest: str | None = None) -> dict[str, Tensor]:
    """The weights in `path`, on the CPU.

    Raises WeightsError if the file is missing or unreadable, or if its content does not match `digest`.
    """
    import torch

    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(
            f"{path}: no such weights file. To train the weights again, replay the configuration."
        ) from None
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror}).") from error
    except Exception as error:  # what a damaged file raises depends on the damage
        raise _damaged(path) from error
    if not isinstance(weights, dict) or not all(isinstance(each, torch.Tensor) for each in weights.values()):
        raise _damaged(path)
    if digest is not None and weights_digest(weights) != digest:
        raise WeightsError(f"{path}: these are not the recorded weights (their digest is {digest[:12]}…).")
    return weights


def _damaged(path: Path) -> WeightsError:
    return WeightsError(
        f"{path}: damaged, or not a file of weights. To train the weights again, replay the configuration."
    )
