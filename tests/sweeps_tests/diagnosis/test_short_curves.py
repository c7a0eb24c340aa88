"""Curves of a few rounds, as of fine-tuning: what little can be said is said, and no more."""

from __future__ import annotations

import math

import pytest

from sweeps.diagnosis.diagnosis import Diagnosis
from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.learning_curve import curve_from_columns
from sweeps.trial.metric import Metric

FITTED = [0.39, 0.23, 0.11, 0.05, 0.02]
RISING = [0.30, 0.32, 0.41, 0.52, 0.60]
CLIMBING = [0.40, 0.60, 0.70, 0.74, 0.77]


def of(train: list[float], valid: list[float], score: list[float], budget: int = 0) -> Diagnosis:
    metric = Metric("accuracy", "maximize", math.nan, 0)
    columns = {"train_loss": train, "valid_loss": valid, "valid_score": score}
    curve = curve_from_columns(columns, metric, list(range(1, len(valid) + 1)))
    return diagnose(curve, budget or len(valid), metric)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_too_few_rounds_for_a_trend_are_unfinished(rounds: int) -> None:
    found = of(FITTED[:rounds], FITTED[:rounds], CLIMBING[:rounds])
    assert found.label == "unfinished"
    assert "too few to tell a trend" in found.because


@pytest.mark.parametrize("rounds", [3, 4, 5])
def test_a_loss_that_only_rises_while_training_is_fitted_is_overfitting(rounds: int) -> None:
    assert of(FITTED[:rounds], RISING[:rounds], [0.88] * rounds).label == "overfitting"


def test_one_worse_round_is_no_overfitting() -> None:
    assert of([0.185, 0.177, 0.171], [0.180, 0.175, 0.196], [0.82, 0.83, 0.81]).label == "unfinished"


def test_a_score_that_is_still_climbing_is_no_overfitting() -> None:
    assert of(FITTED[:3], RISING[:3], [0.86, 0.87, 0.88]).label == "unfinished"


def test_the_first_rounds_of_a_long_trial_are_not_called_too_few() -> None:
    assert of(FITTED[:3], FITTED[:3], CLIMBING[:3], budget=40).label == "healthy"


def test_five_rounds_in_which_no_figure_moves_learn_nothing() -> None:
    still = [2.30, 2.31, 2.30, 2.30, 2.30]
    assert of(still, still, [0.10, 0.10, 0.098, 0.10, 0.11]).label == "not_learning"
    falling = [6.9, 6.7, 6.5, 6.3, 6.1]
    assert of(falling, falling, [0.01, 0.02, 0.03, 0.04, 0.05]).label == "unfinished"


def test_a_score_that_climbs_by_far_more_than_it_bounces_is_unfinished() -> None:
    score = [0.01, 0.02, 0.03, 0.05, 0.04, 0.08, 0.06, 0.11, 0.08, 0.15, 0.12, 0.20, 0.18, 0.26, 0.30, 0.36]
    loss = [3.8 - each for each in score]
    assert of(loss, loss, score).label == "unfinished"
