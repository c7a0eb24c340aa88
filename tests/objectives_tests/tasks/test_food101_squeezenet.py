"""food101_squeezenet: what each way of transfer begins with, and what it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from objectives.checkpoints.weights import save_weights
from objectives.datasets.pretrained import PretrainedRows
from objectives.errors import WeightsError
from objectives.exported_model import load_model
from objectives.rows.rows import Rows
from objectives.tasks.food101_squeezenet import Food101Squeezenet
from objectives.training.loop import train
from tests.objectives_tests.small_data import pretrained_pictures, start

TASK = Food101Squeezenet()
CARRIED = "squeezenet1_1-64"


def features(weights: Any) -> dict[str, Tensor]:
    return {name: weight for name, weight in weights.items() if name.startswith("features.")}


@pytest.mark.parametrize(
    ("transfer", "begins", "ends"), [("scratch", False, False), ("head", True, True), ("all", True, False)]
)
def test_features_begin_and_end_as_transfer_says(transfer: str, begins: bool, ends: bool) -> None:
    run = start(TASK, rounds=2, transfer=transfer)
    assert isinstance(run.train_rows, PretrainedRows)
    given = features(run.train_rows.weights[CARRIED])
    at_first = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    list(train(run))
    at_last = run.model.state_dict()
    assert all(torch.equal(at_first[name], weight) for name, weight in given.items()) is begins
    assert all(torch.equal(at_last[name], weight) for name, weight in given.items()) is ends
    assert not torch.equal(at_last["classifier.1.weight"], at_first["classifier.1.weight"])


def test_batch_norm_of_a_frozen_part_stays_as_it_is() -> None:
    run = start(TASK, rounds=1, transfer="head", batch_norm=True, bn_momentum=0.5)
    list(train(run))
    moments = {name: value for name, value in run.model.state_dict().items() if name.endswith("running_mean")}
    assert len(moments) == 24
    assert not any(mean.any() for mean in moments.values())


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"hidden_width": 48}, "squeezenet1_1-48"),
        ({"hidden_width": 512, "squeezenet": "1_0"}, "squeezenet1_0-512"),
    ],
)
def test_weights_that_are_not_carried_are_refused(values: dict[str, Any], wanted: str) -> None:
    with pytest.raises(
        WeightsError,
        match=f"transfer=all: this data set has no pretrained weights for {wanted}. It has weights for {CARRIED}",
    ):
        start(TASK, transfer="all", **values)
    start(TASK, transfer="scratch", **values)


def test_rows_without_weights_are_refused() -> None:
    plain = pretrained_pictures().train
    with pytest.raises(
        WeightsError, match=r"no pretrained weights for squeezenet1_1-512\. It has weights for no model"
    ):
        TASK.build(TASK.parameters_from({}), Rows(plain.inputs, plain.targets))


def test_an_exported_model_needs_no_pretrained_weights(tmp_path: Path) -> None:
    run = start(TASK, rounds=1, transfer="head")
    list(train(run))
    digest = save_weights(run.model.state_dict(), tmp_path / "best.pt")
    (tmp_path / "best.yaml").write_text(
        "task: food101_squeezenet\n"
        "parameters: {hidden_width: 64, transfer: head}\n"
        "example_rows: {shape: [3, 24, 24], dtype: uint8, target_dtype: int64}\n"
        f"weights: {{file: best.pt, digest: {digest}}}\n"
    )
    model = load_model(tmp_path / "best.yaml")
    images = run.valid_rows.inputs
    assert torch.equal(model(images), run.model.eval()(images))


def test_the_published_rate_falls_at_every_step() -> None:
    assert TASK.published is not None
    parameters = TASK.parameters_from(TASK.published.parameters)
    factors = [TASK.learning_rate_factor(parameters, step, 2000, 75_750) for step in (0, 1, 1999)]
    assert factors == pytest.approx([1, 0.999, 0.1353], rel=1e-3)
    assert TASK.published.rounds * TASK.steps_per_round(parameters, 75_750) == 2000
    assert TASK.steps_per_round(TASK.parameters_from({"batch_size": 128}), 75_750) == 591


def test_published_variants_are_configurations() -> None:
    assert TASK.published is not None
    for variant in TASK.published.variants.values():
        parameters = TASK.parameters_from({**TASK.published.parameters, **variant.parameters})
        assert parameters != TASK.parameters_from(TASK.published.parameters)


@pytest.mark.parametrize(("weight_init", "vanishes"), [("xavier", True), ("he", False)])
def test_as_published_no_gradient_reaches_the_first_convolution(weight_init: str, vanishes: bool) -> None:
    """Xavier's rule forgets that a rectifier drops half of the signal, 26 times in a row; the last bias still learns."""
    published = {
        **TASK.published.parameters,
        "steps_per_round": 1,
        "hidden_width": 64,
        "weight_init": weight_init,
    }
    latest = start(TASK, rounds=1, **published).advance()
    assert latest.first_layer_gradient_norm is not None
    assert (latest.first_layer_gradient_norm < 0.01 * latest.gradient_norm) is vanishes
