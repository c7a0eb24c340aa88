"""What a training function saves, as bytes: models and optimisers by their `state_dict`, and plain values.

With a tensor among them the bytes are torch's own format, read with `weights_only`; else a pickle that may name
nothing but `OrderedDict`. Either way, reading runs no code that the bytes bring.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from objectives.checkpoints.packed_file import PackedFile
from objectives.errors import CodeError, WeightsError

_ARRAY = "numpy array"  # marks one: (mark, dtype, shape, bytes)
_TORCH_BEGINS = b"PK"  # torch's files are zip archives
_PLAIN = (type(None), bool, int, float, str, bytes)


def pack(state: Mapping[str, Any]) -> PackedFile:
    """`state`, a value a name, as a file's content. Raises CodeError for what can't be saved, naming it."""
    values = {name: _encoded(value, name) for name, value in state.items()}
    content = io.BytesIO()
    if _has_tensor(values):
        sys.modules["torch"].save(values, content)
    else:
        pickle.dump(values, content, protocol=5)
    return PackedFile(content.getvalue(), hashlib.sha256(content.getbuffer()).hexdigest())


def unpack(packed: PackedFile) -> dict[str, Any]:
    """What was packed. Raises WeightsError where the content is not what the digest was taken of."""
    if hashlib.sha256(packed.content).hexdigest() != packed.digest:
        raise WeightsError("The saved state is damaged: not the one that was recorded.")
    try:
        state: dict[str, Any] = _decoded(_read(packed.content))
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise WeightsError(f"The saved state can't be read ({error}).") from error
    return state


def _read(content: bytes) -> Any:
    if content[:2] == _TORCH_BEGINS:
        import torch

        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return _Unpickler(io.BytesIO(content)).load()


def load_into(target: Any, name: str, value: Any) -> None:
    """Give `target` the state that was saved of it as `name`."""
    if not hasattr(target, "load_state_dict"):
        raise CodeError(
            f"trial.restore({name}=…): a {type(target).__name__} has no load_state_dict. Call trial.restore() "
            f'without it, and take its value from what that returns: state["{name}"].'
        )
    target.load_state_dict(value)


def _encoded(value: Any, name: str) -> Any:
    """Plain containers and values, tensors, and arrays as bytes."""
    if isinstance(value, _PLAIN) and type(value) in _PLAIN:
        return value
    if hasattr(value, "state_dict") and callable(value.state_dict):
        return _encoded(value.state_dict(), name)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if (torch := sys.modules.get("torch")) and isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {_key(key, name): _encoded(each, f"{name}[{key!r}]") for key, each in value.items()}
    if isinstance(value, list | tuple):
        encoded = [_encoded(each, f"{name}[{index}]") for index, each in enumerate(value)]
        return tuple(encoded) if isinstance(value, tuple) else encoded
    if (numpy := sys.modules.get("numpy")) is not None:
        if isinstance(value, numpy.generic):
            return value.item()
        if isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
            return (_ARRAY, value.dtype.str, value.shape, value.tobytes())
    raise CodeError(
        f"trial.save({name.partition('[')[0]}=…): {name} is a {type(value).__name__}, which can't be saved. What has a "
        "state_dict can, and bytes, numbers, text, arrays, tensors, and lists and mappings of them; of anything else "
        f"save the bytes: pickle.dumps({name.partition('[')[0]})."
    )


def _key(key: Any, name: str) -> Any:
    if not isinstance(key, str | int):
        raise CodeError(f"trial.save: {name} has the key {key!r}; only text and whole numbers can be keys.")
    return key


def _decoded(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 4 and value[0] == _ARRAY:
        import numpy

        _, dtype, shape, content = value
        return numpy.frombuffer(content, dtype=dtype).reshape(shape).copy()
    if isinstance(value, Mapping):
        return {key: _decoded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        decoded = [_decoded(each) for each in value]
        return tuple(decoded) if isinstance(value, tuple) else decoded
    return value


def _has_tensor(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_tensor(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_has_tensor(each) for each in value)
    return not isinstance(value, _PLAIN)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(
            f"the file refers to {module}.{name}, which is not allowed in a saved state"
        )
