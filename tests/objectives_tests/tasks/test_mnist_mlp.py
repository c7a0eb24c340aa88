"""784-H-10: what its parameters mean."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from objectives.rows.rows import Rows
from tests.objectives_tests.small_data import start


def layers(**values: object) -> list[str]:
    return [type(layer).__name__ for layer in start(**values).model]


def test_batch_norm_and_dropout_stand_where_they_are_switched_on() -> None:
    assert layers(dropout=0.0, batch_norm=False) == ["Linear", "ReLU", "Linear"]
    assert layers(dropout=0.3, batch_norm=True, activation="elu") == [
        "Linear",
        "BatchNorm1d",
        "ELU",
        "Dropout",
        "Linear",
    ]


def test_bn_momentum_is_the_weight_of_the_new_batch() -> None:
    run = start(bn_momentum=0.25)
    hidden, norm = run.model[0], run.model[1]
    run.model.train()
    run.model(run.train_rows.inputs)
    batch_mean = hidden(run.train_rows.inputs).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, 0.25 * batch_mean)


@pytest.mark.parametrize(
    ("scaling", "black", "white"), [("unit", 0, 1), ("raw", 0, 255), ("standard", -0.4242, 2.8215)]
)
def test_pixels_are_scaled(scaling: str, black: float, white: float) -> None:
    run = start(input_scaling=scaling)
    pixels = run.task.prepare(_black_and_white(), run.parameters).inputs
    assert pixels.dtype == torch.float32
    assert pixels[0].unique().item() == pytest.approx(black, abs=1e-4)
    assert pixels[1].unique().item() == pytest.approx(white, abs=1e-4)


def _black_and_white() -> Rows:
    images = torch.zeros(2, 784, dtype=torch.uint8)
    images[1] = 255
    return Rows(images, torch.zeros(2, dtype=torch.int64))


def test_preparing_leaves_the_stored_rows_as_they_are() -> None:
    run = start()
    rows = _black_and_white()
    run.task.prepare(rows, run.parameters)
    assert rows.inputs.dtype == torch.uint8
    assert rows.inputs[1].unique().item() == 255


@pytest.mark.parametrize(
    ("how", "deviation", "largest"),
    [("he", (2 / 784) ** 0.5, 1.0), ("xavier", (2 / (784 + 500)) ** 0.5, 1.0), ("unit_normal", 0.8796, 2.0)],
)
def test_weights_begin_as_their_name_says(how: str, deviation: float, largest: float) -> None:
    hidden = start(hidden_width=500, weight_init=how).model[0]
    assert isinstance(hidden, nn.Linear)
    assert hidden.weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert hidden.weight.abs().max().item() <= largest
    assert not hidden.bias.any()
