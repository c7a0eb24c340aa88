"""From an exported best configuration to the module that it describes, without its data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import objectives
from objectives.checkpoints.weights import save_weights
from objectives.errors import DataError, ObjectiveError, ParametersError, UnknownTaskError, WeightsError
from objectives.loaded_model import LoadedModel
from objectives.registry import get_task
from objectives.rows.rows import Rows
from objectives.training.loop import Run
from tests.objectives_tests.small_data import digits, parameters_of, small_cora, start

BEST = """\
# the best of eight trials
format: 1
task: {task}
parameters: {{learning_rate: 1e-3, hidden_width: {width}, dropout: 0.3, bn_momentum: 2e-1}}
example_rows: {{shape: [784], dtype: uint8, target_dtype: int64}}
weights: {{file: best.pt, digest: {digest}, round: 3}}
"""


@pytest.fixture
def run() -> Run:
    run = start(learning_rate=1e-3, hidden_width=12, dropout=0.3, bn_momentum=0.2)
    for _ in range(3):
        run.advance()
    return run


def export(run: Run, path: Path, **changed: Any) -> Path:
    digest = save_weights(run.model.state_dict(), path.parent / "best.pt")
    path.write_text(BEST.format(**{"task": "mnist_mlp", "width": 12, "digest": digest, **changed}))
    return path


def test_a_loaded_model_gives_the_trained_ones_outputs(run: Run, tmp_path: Path) -> None:
    model = objectives.load_model(export(run, tmp_path / "best.yaml"))
    assert not any(module.training for module in model.modules())
    run.model.eval()
    with torch.no_grad():
        assert torch.equal(model(digits(25, seed=1).inputs), run.model(run.valid_rows.inputs))


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (digits(5).inputs / 255.0, "float32 of shape (rows, 784)"),
        (digits(5).inputs.reshape(5, 28, 28), "uint8 of shape (rows, 28, 28)"),
        (digits(5).inputs[0], "uint8 of shape (rows)"),
    ],
)
def test_inputs_that_are_not_raw_rows_are_refused(
    run: Run, tmp_path: Path, inputs: torch.Tensor, found: str
) -> None:
    model = objectives.load_model(export(run, tmp_path / "best.yaml"))
    with pytest.raises(DataError, match=re.escape(f"uint8 of shape (rows, 784); these are {found}")):
        model(inputs)


@pytest.mark.parametrize("scaling", ["unit", "standard", "raw"])
def test_a_loaded_model_leaves_its_inputs_as_they_are(scaling: str) -> None:
    task = get_task("mnist_mlp")
    rows = Rows(digits(5).inputs.float(), digits(5).targets)
    before = rows.inputs.clone()
    task.prepare(rows, task.parameters_from({"input_scaling": scaling}))
    assert torch.equal(rows.inputs, before)


def test_a_model_on_a_graph_asks_for_its_rows(tmp_path: Path) -> None:
    task, splits = get_task("cora_gcn"), small_cora()
    parameters = parameters_of(task)
    model = task.build(parameters, task.prepare(splits.valid, parameters))
    loaded = LoadedModel(task, parameters, model, shape=(), dtype=torch.int64).eval()
    assert 0.0 <= loaded.evaluate(splits.valid).score <= 1.0
    with pytest.raises(DataError, match="needs whole rows, not the inputs alone"):
        loaded(splits.valid.inputs)


def test_a_configuration_may_be_moved_with_its_weights(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(run, tmp_path / "best.yaml")
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    monkeypatch.chdir(moved)
    assert objectives.load_model("best.yaml") is not None


def test_weights_of_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    path = export(run, tmp_path / "best.yaml", width=13)
    with pytest.raises(WeightsError, match=r"best\.yaml: its weights do not fit the model that it describes"):
        objectives.load_model(path)


def test_other_weights_than_recorded_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="these are not the recorded weights"):
        objectives.load_model(export(run, tmp_path / "best.yaml", digest="f" * 64))


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        (
            "",
            ObjectiveError,
            "best.yaml: not an exported configuration, but None",
        ),
        ("- 1\n", ObjectiveError, "best.yaml: not an exported configuration, but [1]"),
        ("a: [\n", ObjectiveError, "best.yaml: not YAML: expected the node content"),
        ("task: mnist_mlp\n", ObjectiveError, "not an exported configuration: it lacks parameters."),
        (BEST.replace("uint8", "load"), ObjectiveError, "example_rows: 'load' is not a type of torch"),
        (
            BEST.replace("784", "99999999999"),
            ObjectiveError,
            "example_rows.shape: [99999999999] can't be the shape",
        ),
        (BEST.replace("dtype: uint8, ", ""), ObjectiveError, "it lacks example_rows.dtype."),
        (BEST.replace("digest: {digest}, ", ""), ObjectiveError, "it lacks weights.digest."),
        (
            BEST.replace("{{file: best.pt, digest: {digest}, round: 3}}", "null"),
            WeightsError,
            "names no weights",
        ),
        (BEST.replace("{task}", "mnist_mpl"), UnknownTaskError, "did you mean 'mnist_mlp'?"),
        (BEST.replace("hidden_width", "hiden_width"), ParametersError, "did you mean 'hidden_width'?"),
        (BEST.replace("best.pt", "gone.pt"), WeightsError, "gone.pt: no such weights file"),
    ],
)
def test_what_can_not_be_loaded_is_told(
    tmp_path: Path, text: str, error: type[ObjectiveError], why: str
) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(text.format(task="mnist_mlp", width=12, digest="f" * 64))
    with pytest.raises(error) as refusal:
        objectives.load_model(path)
    assert why in str(refusal.value)


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    with pytest.raises(ObjectiveError, match=r"best\.yaml: no such file"):
        objectives.load_model(tmp_path / "best.yaml")
