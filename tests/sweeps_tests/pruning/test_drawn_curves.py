"""Curves with known answers: what is said of each, and where it is halted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.pruning.onset import verdict
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop
from tests.sweeps_tests.pruning.drawn import BUDGET, CURVES, Drawn


def metric_of(drawn: Drawn) -> Metric:
    return Metric("accuracy", "maximize", 0.1, drawn.valid_rows)


def curve_of(drawn: Drawn, columns: Mapping[str, Sequence[float]] | None = None) -> Curve:
    return curve_from_columns(columns or drawn.columns(), metric_of(drawn))


def halt_of(curve: Curve, metric: Metric, budget: int = BUDGET) -> Stop | None:
    """The first verdict when rounds come one at a time."""
    for rounds in range(1, len(curve) + 1):
        stop = verdict(curve.until(rounds), budget, metric)
        if stop is not None:
            return stop
    return None


drawn_curves = pytest.mark.parametrize("drawn", CURVES, ids=lambda drawn: drawn.name)


@drawn_curves
def test_a_curve_is_diagnosed_as_what_it_is(drawn: Drawn) -> None:
    budget = BUDGET if drawn.rounds != 6 else 6
    found = diagnose(curve_of(drawn), budget, metric_of(drawn))
    assert found.label == drawn.label, found
    assert found.because
    assert all(isinstance(each, float | int | str) for each in found.evidence.values())
    assert bool(found.advice) == (found.label != "healthy")


@drawn_curves
def test_a_curve_is_halted_where_going_on_is_not_worth_it(drawn: Drawn) -> None:
    stop = halt_of(curve_of(drawn), metric_of(drawn))
    if drawn.halted is None:
        assert stop is None
    else:
        assert stop is not None
        assert drawn.halted[0] <= stop.round <= drawn.halted[1]
        assert stop.reason == (drawn.reason or drawn.label)


@drawn_curves
def test_losses_in_another_unit_change_nothing(drawn: Drawn) -> None:
    columns = dict(drawn.columns())
    for name in ("train_loss", "valid_loss"):
        columns[name] = [1024 * value for value in columns[name]]
    plain, scaled = (halt_of(curve_of(drawn, each), metric_of(drawn)) for each in (drawn.columns(), columns))
    assert (plain and (plain.reason, plain.round)) == (scaled and (scaled.reason, scaled.round))


@drawn_curves
def test_what_comes_later_changes_no_verdict(drawn: Drawn) -> None:
    stop = halt_of(curve_of(drawn), metric_of(drawn))
    other = {name: [*values, *[7.0 * math.pi] * 10] for name, values in drawn.columns().items()}
    again = halt_of(curve_of(drawn, other).until(drawn.rounds), metric_of(drawn))
    assert stop == again


@drawn_curves
def test_a_score_to_be_minimised_is_judged_alike(drawn: Drawn) -> None:
    columns = dict(drawn.columns())
    for name in ("train_score", "valid_score", "valid_score_batch_statistics"):
        if name in columns:
            columns[name] = [-value for value in columns[name]]
    metric = Metric("accuracy", "minimize", -0.1, drawn.valid_rows)
    curve = curve_from_columns(columns, metric)
    plain = halt_of(curve_of(drawn), metric_of(drawn))
    turned = halt_of(curve, metric)
    assert (plain and (plain.reason, plain.round)) == (turned and (turned.reason, turned.round))


FLAT = next(drawn for drawn in CURVES if drawn.name == "learns nothing: the rate is too low")


@pytest.mark.parametrize(
    ("signals", "said", "advised"),
    [
        (
            {"gradient_norm": 0.05, "first_layer_gradient_norm": 1e-4},
            "; the gradient vanishes, 0.2%",
            "batch_norm",
        ),
        (
            {"gradient_norm": 0.05, "first_layer_gradient_norm": 0.0},
            "; the gradient vanishes, 0.0%",
            "batch_norm",
        ),
        ({"gradient_norm": 0.05, "first_layer_gradient_norm": 0.005}, None, "raise learning_rate"),
        ({"gradient_norm": 1e-4, "first_layer_gradient_norm": 5e-5}, None, "raise learning_rate"),
        ({"gradient_norm": 1e-4}, "; the gradient vanishes, its norm is 0.0001", "batch_norm"),
        ({"gradient_norm": 0.05}, None, "raise learning_rate"),
        ({"gradient_norm": math.nan, "first_layer_gradient_norm": math.nan}, None, "raise learning_rate"),
        ({}, None, "raise learning_rate"),
    ],
)
def test_no_learning_is_told_from_a_vanishing_gradient(
    signals: Mapping[str, float], said: str | None, advised: str
) -> None:
    columns = {**FLAT.columns(), **{name: [value] * FLAT.rounds for name, value in signals.items()}}
    curve = curve_of(FLAT, columns)
    stop, found = halt_of(curve, metric_of(FLAT)), diagnose(curve, BUDGET, metric_of(FLAT))
    assert stop is not None
    for because in (stop.because, found.because):
        assert said in because if said else "vanishes" not in because
    assert advised in found.advice
    assert found.label == stop.reason == "not_learning"
    assert found.evidence.keys() >= signals.keys()
