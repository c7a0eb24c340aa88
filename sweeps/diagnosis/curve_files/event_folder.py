"""Reads TensorBoard's event files: the scalars of a folder and of all folders below it.

They are TensorFlow's record files: a length of 8 bytes, its checksum of 4, a record, its checksum
(tensorflow.org/tutorials/load_data/tfrecord). The package `tensorboard` or `tensorboardX` decodes the records.
"""

from __future__ import annotations

import importlib
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sweeps.diagnosis.curve_files.records import table_of
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError

MESSAGES = ("tensorboard.compat.proto.event_pb2", "tensorboardX.proto.event_pb2")
PATTERN = "*tfevents*"
SPLITS = ("train", "training", "validation", "valid", "val", "eval", "test")


def read_events(folder: Path) -> Table:
    """A table with one row for each run and step. Folders called train or validation are splits of one run.

    Raises UsageError if there is no event file or no scalar, or if the package that decodes them is missing.
    """
    files = sorted(folder.rglob(PATTERN)) if folder.is_dir() else [folder]
    if not files:
        raise UsageError(f"{folder}: contains no TensorBoard event file (…tfevents…).")
    message = _message()
    found: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for path in files:
        inner = list(path.relative_to(folder).parts[:-1]) if folder.is_dir() else []
        split = next((part for part in inner if part.lower() in SPLITS), "")
        run = "/".join(part for part in inner if part != split) or folder.name
        for step, tag, value in _scalars(path, message):
            name = f"{split}/{tag}" if split else tag
            found[run, step][name] = value
    if not found:
        raise UsageError(f"{folder}: its event files contain no scalar.")
    records = [{"run": run, "step": step, **found[run, step]} for run, step in sorted(found)]
    return table_of(folder, records, "TensorBoard event files")


def _message() -> Any:
    for name in MESSAGES:
        try:
            return importlib.import_module(name).Event
        except ImportError:
            continue
    raise UsageError(
        "TensorBoard's event files need the package tensorboard or tensorboardX: pip install tensorboardX"
    )


def _scalars(path: Path, message: Any) -> Iterator[tuple[int, str, float]]:
    for record in _records(path):
        try:
            event = message.FromString(record)
        except Exception as error:  # noqa: BLE001 - each version of protobuf raises errors of its own
            raise UsageError(f"{path}: is no event file, or damaged: {error}.") from None
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            if kind == "simple_value":
                yield event.step, value.tag, value.simple_value
            elif kind == "tensor" and not value.tensor.tensor_shape.dim:
                scalar = _scalar(value.tensor)
                if scalar is not None:
                    yield event.step, value.tag, scalar


def _scalar(tensor: Any) -> float | None:
    """The value of a tensor without dimensions, of type float (1) or double (2); None for another type."""
    if tensor.float_val:
        return float(tensor.float_val[0])
    if tensor.double_val:
        return float(tensor.double_val[0])
    layout = {1: "<f", 2: "<d"}.get(tensor.dtype)
    if layout and len(tensor.tensor_content) == struct.calcsize(layout):
        return float(struct.unpack(layout, tensor.tensor_content)[0])
    return None


def _records(path: Path) -> Iterator[bytes]:
    """The records of a file, up to the first incomplete one (the file may still be written)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error}.") from None
    position = 0
    while position + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        end = position + 12 + length
        if end + 4 > len(content):
            return
        yield content[position + 12 : end]
        position = end + 4
