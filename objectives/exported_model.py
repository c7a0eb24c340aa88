"""Loads the model that an exported best configuration describes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from objectives.checked_yaml import key, read_checked, shown
from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import unpack
from objectives.checkpoints.weights import load_weights
from objectives.errors import UntrustedCodeError, WeightsError

if TYPE_CHECKING:
    import torch

    from objectives.loaded_model import LoadedModel
    from objectives.task import Task

MOST_NUMBERS = 2**28  # in one row of inputs; more would not fit into memory


def _dtype_name(name: str) -> str:
    import torch

    if not isinstance(getattr(torch, name, None), torch.dtype):
        raise ValueError(f"example_rows: {shown(name)} is not a type of torch such as float32")  # noqa: TRY004
    return name


def _row_shape(shape: list[int]) -> list[int]:
    if min(shape, default=1) < 0 or math.prod(shape) > MOST_NUMBERS:
        raise ValueError(
            f"example_rows.shape: {shown(shape)} can't be the shape of a row: its lengths must be 0 or more, and "
            f"their product at most {MOST_NUMBERS}"
        )
    return shape


def _scalars(parameters: dict[str, Any]) -> dict[str, Any]:
    for name, value in parameters.items():
        if not _is_plain(value):
            raise ValueError(
                f"parameters.{key(name)}: {shown(value)} is not a number, a word, true, false or null"
            )
    return parameters


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether `value` is a scalar, or a list or mapping of scalars. Choices of a user's own code may be such values."""
    if isinstance(value, list | dict) and depth < 5:
        inner = value.values() if isinstance(value, dict) else value
        return all(_is_plain(each, depth + 1) for each in inner)
    return value is None or isinstance(value, bool | int | float | str)


Dtype = Annotated[str, AfterValidator(_dtype_name)]


class Section(BaseModel):
    """A part of the file. Values must have the declared types: a word is not a number, and true is not 1."""

    model_config = ConfigDict(strict=True, frozen=True)


class ExampleRows(Section):
    """Shape and types of a row, from which a model can be built without the data."""

    shape: Annotated[list[int], AfterValidator(_row_shape)]
    dtype: Dtype
    target_dtype: Dtype


class WeightsFile(Section):
    """A file of weights (beside the configuration, or an absolute path) and the digest of its content."""

    file: str
    digest: str
    round: int | None = None


class ExportedModel(Section):
    """The part of an exported configuration that its model needs."""

    task: str
    parameters: Annotated[dict[str, Any], AfterValidator(_scalars)]
    weights: WeightsFile | None = None
    example_rows: ExampleRows | None = None


def load_model(best_config: str | Path, *, trust: bool = False) -> Any:
    """The model of an exported configuration with its weights, in evaluation mode.

    For a task, this is a LoadedModel. It takes rows as the data set holds them (for example raw pixels) and prepares
    them as the trial did. So `load_model(path).evaluate(rows).score` is the metric that the study reports. Its `model`
    is the bare module. For a training function of a user's own, `load_model` returns a mapping from each name that was
    given to `trial.save` to its state in the best round. The code of the function is not run.

    best_config: the exported YAML file. The weights file that it names is looked for beside it. The data set is not
    needed. trust: run the code of a task class in a file even if it was never launched on this machine.

    Raises WeightsError if the weights file is missing or its digest differs, UntrustedCodeError if the file names code
    that is not known here, ObjectiveError if the YAML file is not an exported configuration.
    """
    path = Path(best_config)
    config = read_checked(path, ExportedModel)
    if config.weights is None:
        raise WeightsError(f"{path} names no weights. Export it again, together with its weights.")
    if config.example_rows is None:
        return _saved_state(path.parent / config.weights.file, config.weights.digest)
    loaded = _built(config, config.example_rows, _task(config.task, path, trust=trust))
    found = load_weights(path.parent / config.weights.file, config.weights.digest)
    try:
        loaded.model.load_state_dict(found)
    except RuntimeError as error:
        raise WeightsError(f"{path}: its weights do not fit the model that it describes.") from error
    return loaded.eval()


def _task(name: str, path: Path, *, trust: bool) -> Task:
    from objectives.known_code import check_known
    from objectives.registry import get_task

    try:
        return get_task(name, before_loading=None if trust else check_known)
    except UntrustedCodeError as error:
        raise UntrustedCodeError(
            f"{path}: {error} If you trust it, call load_model(…, trust=True)."
        ) from None


def _saved_state(path: Path, digest: str) -> dict[str, Any]:
    """The values that a user's own training function saved in its best round, by name."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror}).") from error
    return unpack(PackedFile(content, digest))


def _built(config: ExportedModel, rows: ExampleRows, task: Task) -> LoadedModel:
    """The model with new weights."""
    import torch

    from objectives.loaded_model import LoadedModel
    from objectives.rows.rows import Rows

    parameters = task.parameters_from(config.parameters)
    inputs = torch.zeros((2, *rows.shape), dtype=_dtype(rows.dtype))
    targets = torch.zeros(2, dtype=_dtype(rows.target_dtype))
    model = task.rebuild(parameters, task.prepare(Rows(inputs, targets), parameters))
    return LoadedModel(task, parameters, model, shape=tuple(rows.shape), dtype=_dtype(rows.dtype))


def _dtype(name: str) -> torch.dtype:
    import torch

    dtype: torch.dtype = getattr(torch, name)
    return dtype
