"""A curve from the service's rounds: everything that a round records of training arrives there."""

from __future__ import annotations

import dataclasses

import numpy as np

from objectives import Round
from sweeps.pruning.learning_curve import Curve, curve_from_columns, curve_of
from sweeps.trial.metric import Metric

ROUND = Round(
    index=1,
    train_loss=0.1,
    train_score=0.9,
    valid_loss=0.2,
    valid_score=0.8,
    running_loss=0.3,
    valid_score_batch_statistics=0.85,
    learning_rate=0.01,
    gradient_norm=2.0,
    first_layer_gradient_norm=0.5,
    dead_share=0.25,
    saturated_share=0.125,
)


def values(curve: Curve) -> dict[str, list[float]]:
    arrays = {each.name: getattr(curve, each.name) for each in dataclasses.fields(curve)}
    return {name: list(array) for name, array in arrays.items() if isinstance(array, np.ndarray)}


def test_every_signal_of_a_round_reaches_the_curve() -> None:
    found = values(curve_of([ROUND, ROUND], Metric("accuracy", "maximize", 0.1, 400)))
    assert found.pop("score_error") == [0.02] * 2  # sqrt(0.8 * 0.2 / 400)
    assert found.pop("batch_statistics_score") == [0.85] * 2
    for name in ("numbers", "ends", "train_measured", "valid_measured"):
        found.pop(name)
    assert found == {name: [getattr(ROUND, name)] * 2 for name in found}
    assert len(found) == 10


def test_a_score_to_be_minimised_is_turned_round_and_the_losses_are_not() -> None:
    found = values(curve_of([ROUND], Metric("error", "minimize", 0.9, 400)))
    assert (found["train_score"], found["valid_score"]) == ([-0.9], [-0.8])
    assert found["batch_statistics_score"] == [-0.85]
    assert (found["train_loss"], found["valid_loss"]) == ([0.1], [0.2])


def test_a_signal_that_was_not_recorded_is_none() -> None:
    bare = dataclasses.replace(ROUND, valid_score_batch_statistics=None, dead_share=None)
    curve = curve_of([bare, bare], Metric("accuracy", "maximize", 0.1, 400))
    assert curve.batch_statistics_score is None
    assert curve.dead_share is None


def test_a_signal_that_is_no_number_is_not_one_that_was_not_recorded() -> None:
    curve = curve_of(
        [dataclasses.replace(ROUND, running_loss=float("nan"))], Metric("accuracy", "maximize", 0.1, 400)
    )
    assert curve.running_loss is not None
    assert np.isnan(curve.running_loss).all()


def test_a_round_without_a_running_loss_is_no_divergence() -> None:
    columns = {"train_loss": [1.0, 0.5], "valid_loss": [1.0, 0.6], "running_loss": [None, 0.7]}
    curve = curve_from_columns(columns, Metric("validation loss", "minimize", float("nan"), 0))
    assert curve.running_loss is not None
    assert curve.running_loss.tolist() == [1.0, 0.7]


def test_a_score_that_is_no_number_leaves_the_one_before_it() -> None:
    nan = float("nan")
    columns = {"train_loss": [1.0] * 5, "valid_loss": [1.0] * 5, "train_score": [0.5] * 5}
    scores = {"valid_score": [nan, 0.3, nan, nan, 0.6]}
    known, unknown = (
        curve_from_columns({**columns, **scores}, Metric("F1", "maximize", chance, 0))
        for chance in (0.1, nan)
    )
    assert known.valid_score.tolist() == [0.1, 0.3, 0.3, 0.3, 0.6]
    assert unknown.valid_score.tolist() == [0.3, 0.3, 0.3, 0.3, 0.6]
