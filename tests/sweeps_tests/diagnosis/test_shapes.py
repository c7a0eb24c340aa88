"""Labels of shapes that other people's curves have."""

from __future__ import annotations

import pytest

from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.learning_curve import curve_from_columns
from sweeps.trial.metric import Metric
from tests.sweeps_tests.diagnosis.shapes import ROUNDS, SHAPES, Shape

SHAPED = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@SHAPED
@pytest.mark.parametrize("seed", range(3))
def test_an_eye_agrees_with_the_label(shape: Shape, seed: int) -> None:
    assert diagnose(shape.curve(seed), ROUNDS, shape.metric).label in shape.labels


@SHAPED
def test_the_unit_of_a_loss_changes_no_label(shape: Shape) -> None:
    (plain, other) = (shape.curve(0), shape.curve(0, scale=250.0, shift=-40.0))
    assert diagnose(plain, ROUNDS, shape.metric).label == diagnose(other, ROUNDS, shape.metric).label


@pytest.mark.parametrize(("name", "label"), [("mae", "not_learning"), ("wer", "plateau")])
def test_a_low_rate_of_errors_was_learnt_before_the_first_round(name: str, label: str) -> None:
    metric = Metric(name, "minimize", float("nan"), 0)
    columns = {
        "train_loss": [0.05] * 20,
        "valid_loss": [0.2] * 20,
        "train_score": [0.03] * 20,
        "valid_score": [0.0403, *([0.04] * 19)],
    }
    assert diagnose(curve_from_columns(columns, metric), 20, metric).label == label


def test_five_rounds_that_gain_nothing_have_not_learnt() -> None:
    metric = Metric("accuracy", "maximize", float("nan"), 0)
    loss = [2.308, 2.3075, 2.307, 2.3065, 2.306]
    columns = {"train_loss": loss, "valid_loss": loss, "train_score": [0.096] * 5}
    columns["valid_score"] = [0.107, 0.108, 0.108, 0.11, 0.111]
    assert diagnose(curve_from_columns(columns, metric), 5, metric).label == "not_learning"
