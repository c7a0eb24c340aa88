"""Dead and saturated units, as shares of a layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from objectives.training.evaluation import UnitActivity, evaluate
from objectives.training.loop import Run
from tests.objectives_tests.small_data import start


def set_biases(run: Run, value: float, *, first: int | None = None) -> None:
    """Give the hidden layer's (first) units this bias."""
    hidden = next(module for module in run.model.modules() if isinstance(module, nn.Linear))
    with torch.no_grad():
        hidden.bias[:first] = value


def shares(run: Run) -> tuple[float | None, float | None]:
    with UnitActivity(run.model) as activity:
        evaluate(run.task, run.model, run.train_sample, run.parameters)
    return activity.dead_share(), activity.saturated_share()


def test_units_that_no_row_lifts_above_zero_are_dead() -> None:
    run = start(batch_norm=False, learning_rate=1e-12)
    set_biases(run, -1e6)
    latest = run.advance()
    assert latest.dead_share == 1.0
    assert latest.saturated_share is None


def test_a_share_counts_units() -> None:
    run = start(batch_norm=False)
    set_biases(run, 1e6)
    assert shares(run)[0] == 0.0
    set_biases(run, -1e6, first=3)
    assert shares(run)[0] == 3 / 12


@pytest.mark.parametrize(("activation", "bias"), [("tanh", 1e6), ("tanh", -1e6), ("elu", -1e6)])
def test_units_in_the_flat_part_are_saturated(activation: str, bias: float) -> None:
    run = start(batch_norm=False, activation=activation, weight_init="xavier")
    set_biases(run, 0.0)
    assert shares(run) == (None, 0.0)
    set_biases(run, bias, first=6)
    assert shares(run) == (None, 0.5)


@pytest.mark.parametrize("activation", ["leaky_relu", "softplus"])
def test_what_can_be_neither_has_no_share(activation: str) -> None:
    latest = start(activation=activation).advance()
    assert (latest.dead_share, latest.saturated_share) == (None, None)


def test_a_unit_that_one_batch_lifts_is_alive() -> None:
    model = nn.ReLU()
    with UnitActivity(model) as activity:
        model(torch.tensor([[-1.0, -1.0, -1.0]]))
        model(torch.tensor([[1.0, -1.0, -1.0]]))
        model(torch.tensor([[-1.0, -1.0, 0.0]]))
    assert activity.dead_share() == pytest.approx(2 / 3)


def test_a_unit_is_saturated_from_95_of_100_rows_on() -> None:
    model = nn.Sigmoid()
    rows = torch.zeros(100, 3)
    rows[:94, 0], rows[:95, 1], rows[:, 2] = 50.0, -50.0, 50.0
    with UnitActivity(model) as activity:
        model(rows[:50]), model(rows[50:])
    assert activity.saturated_share() == pytest.approx(2 / 3)


def test_the_worst_layer_counts() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.ReLU())
    nn.init.constant_(model[1].weight, 0.0)
    nn.init.constant_(model[1].bias, -1.0)
    with UnitActivity(model) as activity:
        model(torch.ones(3, 2))
    assert activity.dead_share() == 1.0


def test_a_channel_is_a_unit() -> None:
    model = nn.ReLU()
    images = -torch.ones(4, 2, 5, 5)
    images[3, 1, 2, 2] = 1.0
    with UnitActivity(model) as activity:
        model(images)
    assert activity.dead_share() == 0.5


def test_watching_ends_with_the_evaluation() -> None:
    model = nn.ReLU()
    with UnitActivity(model) as activity:
        model(-torch.ones(1, 2))
    model(torch.ones(1, 2))
    assert activity.dead_share() == 1.0
