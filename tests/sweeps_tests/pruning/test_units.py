"""Units change nothing: a constant added to the losses, losses or scores in another unit, errors in place of scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.learning_curve import curve_from_columns
from sweeps.pruning.relative import EagerRule, StudyRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.trial.metric import Metric
from tests.sweeps_tests.pruning.drawn import BUDGET, CURVES, Drawn
from tests.sweeps_tests.pruning.test_drawn_curves import halt_of, metric_of

Columns = Mapping[str, Sequence[float]]
Outcome = tuple[str, str | None, int | None]
LOSSES = ("train_loss", "valid_loss")
SCORES = ("train_score", "valid_score", "valid_score_batch_statistics")
DRAWN = {drawn.name: drawn for drawn in CURVES}
some_curves = st.sampled_from(sorted(DRAWN))
few = settings(max_examples=20, deadline=None)


def told_alike(columns: Columns, metric: Metric, budget: int = BUDGET) -> Outcome:
    """Label, reason and round of the halt."""
    curve = curve_from_columns(columns, metric)
    stop = halt_of(curve, metric, budget)
    return diagnose(curve, budget, metric).label, stop and stop.reason, stop and stop.round


def changed(columns: Columns, names: Sequence[str], change: Callable[[float], float]) -> Columns:
    return {name: list(map(change, values)) if name in names else values for name, values in columns.items()}


def untold(drawn: Drawn) -> Metric:
    return Metric("accuracy", "maximize", math.nan, 0)


@few
@given(some_curves, st.integers(-40, 40), st.booleans())
def test_losses_in_another_unit_and_from_another_zero(name: str, shift: int, is_told: bool) -> None:
    drawn = DRAWN[name]
    metric = metric_of(drawn) if is_told else untold(drawn)
    rounded = changed(
        drawn.columns(), LOSSES, lambda value: round(value, 6) if math.isfinite(value) else value
    )
    moved = changed(rounded, LOSSES, lambda value: 8 * (value + shift))
    assert told_alike(moved, metric) == told_alike(rounded, metric)


@few
@given(some_curves, st.booleans())
def test_per_cent_are_judged_as_shares(name: str, is_told: bool) -> None:
    drawn = DRAWN[name]
    metric = metric_of(drawn) if is_told else untold(drawn)
    in_per_cent = replace(metric, chance=100 * metric.chance)
    columns = changed(drawn.columns(), SCORES, lambda value: 100 * value)
    assert told_alike(columns, in_per_cent) == told_alike(drawn.columns(), metric)


@few
@given(some_curves, st.sampled_from([0.001, 0.01, 1000.0, 7.0]), st.booleans())
def test_a_distance_is_judged_alike_in_any_unit(name: str, unit: float, is_told: bool) -> None:
    chance, rows = (1.3, 297) if is_told else (math.nan, 0)
    distances = changed(DRAWN[name].columns(), SCORES, lambda value: 1.4 - value)
    scaled = changed(distances, SCORES, lambda value: unit * value)
    plain, other = (Metric("distance", "minimize", chance * each, rows) for each in (1.0, unit))
    assert told_alike(scaled, other) == told_alike(distances, plain)


@few
@given(some_curves, st.booleans())
def test_a_score_turned_round_is_judged_alike(name: str, is_told: bool) -> None:
    drawn = DRAWN[name]
    metric = metric_of(drawn) if is_told else untold(drawn)
    turned = Metric("accuracy", "minimize", -metric.chance, metric.num_valid)
    columns = changed(drawn.columns(), SCORES, lambda value: -value)
    assert told_alike(columns, turned) == told_alike(drawn.columns(), metric)


@few
@given(some_curves, st.integers(-40, 40))
def test_a_loss_alone_is_judged_alike_in_any_unit(name: str, shift: int) -> None:
    metric = Metric("validation loss", "minimize", math.nan, 0)
    losses = {each: DRAWN[name].columns()[each] for each in LOSSES}
    rounded = changed(losses, LOSSES, lambda value: round(value, 6) if math.isfinite(value) else value)
    moved = changed(rounded, LOSSES, lambda value: 0.5 * value + shift)
    assert told_alike(moved, metric) == told_alike(rounded, metric)


@pytest.mark.parametrize("make", [StudyRule, EagerRule])
@pytest.mark.parametrize("unit", [100.0, 0.001])
def test_trials_are_compared_alike_in_any_unit(make: Callable[[Watch], StopRule], unit: float) -> None:
    stops = []
    for scale in (1.0, unit):
        metric = Metric("distance", "minimize", 1.3 * scale, 0)
        rule = make(Watch(BUDGET, metric))
        for number, drawn in enumerate(CURVES[:10]):
            columns = changed(drawn.columns(), SCORES, lambda value, scale=scale: scale * (1.4 - value))
            curve = curve_from_columns(columns, metric)
            found = next(filter(None, (rule.verdict(number, curve.until(n)) for n in range(1, BUDGET))), None)
            stops.append((scale == 1.0, found and (found.reason, found.round)))
            rule.finished(number, curve, "COMPLETE")
    assert [each for is_plain, each in stops if is_plain] == [
        each for is_plain, each in stops if not is_plain
    ]


@given(st.floats(0.01, 0.99), st.integers(1, 10_000), st.floats(0.0, 1.0))
def test_better_than_chance_is_the_same_in_shares_and_per_cent(
    chance: float, rows: int, score: float
) -> None:
    share, cent = Metric("a", "maximize", chance, rows), Metric("a", "maximize", 100 * chance, rows)
    margin = share.oriented(score) - chance - share._luck(score)
    if abs(margin) > 1e-9 and 100 * max(chance, score) > 1:
        assert share.beats_chance(score) == cent.beats_chance(100 * score)


@given(st.floats(1e-6, 1e6), st.floats(0.01, 2.0), st.sampled_from([1e-3, 1e3, 1e-6]))
def test_better_than_chance_is_the_same_in_metres_and_millimetres(
    chance: float, share: float, unit: float
) -> None:
    plain, scaled = (Metric("MAE", "minimize", chance * each, 500) for each in (1.0, unit))
    if abs(share - 0.95) > 1e-9:
        assert (
            plain.beats_chance(chance * share) == scaled.beats_chance(chance * share * unit) == (share < 0.95)
        )
