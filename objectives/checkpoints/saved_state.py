"""Turns the values that a training function saves into bytes, and back.

They are models and optimisers (saved by their `state_dict`) and plain values. If there is a tensor among them, the
bytes are in torch's own format, read with `weights_only`; else they are a pickle that may name only `OrderedDict`. In
both cases, reading runs no code from the bytes.
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

_ARRAY = "numpy array"  # the mark of an array, which is stored as (mark, dtype, shape, bytes)
_TORCH_BEGINS = b"PK"  # torch's files are zip archives
_PLAIN = (type(None), bool, int, float, str, bytes)


def pack(state: Mapping[str, Any]) -> PackedFile:
    """`state` (values by name) as the content of a file. Raises CodeError, with the name, if a value can't be saved."""
    values = {name: _encoded(value, name) for name, value in state.items()}
    content = io.BytesIO()
    if _has_tensor(values):
        sys.modules["torch"].save(values, content)
    else:
        pickle.dump(values, content, protocol=5)
    return PackedFile(content.getvalue(), hashlib.sha256(content.getbuffer()).hexdigest())


def unpack(packed: PackedFile) -> dict[str, Any]:
    """The values that were packed. Raises WeightsError if the content does not match the digest."""
    if hashlib.sha256(packed.content).hexdigest() != packed.digest:
        raise WeightsError("The saved state is damaged: it is not the recorded one.")
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
    """Load into `target` the state that was saved under `name`."""
    if not hasattr(target, "load_state_dict"):
        raise CodeError(
            f"trial.restore({name}=…): a {type(target).__name__} has no load_state_dict. Call trial.restore() "
            f'without it, and take the value from its result: state["{name}"].'
        )
    target.load_state_dict(value)


def _encoded(value: Any, name: str) -> Any:
    """The value in the form to store: plain containers and values, tensors, and arrays as bytes."""
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
        f"trial.save({name.partition('[')[0]}=…): {name} is a {type(value).__name__}, which can't be saved. These can: "
        "objects with a state_dict, bytes, numbers, text, arrays, tensors, and lists and mappings of them. Save "
        f"anything else as bytes: pickle.dumps({name.partition('[')[0]})."
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
