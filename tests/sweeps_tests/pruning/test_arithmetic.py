"""The arithmetic of the relative rules, by hand: curves are straight lines, so that no noise is in the way."""

from __future__ import annotations

import math
from typing import Any

import pytest

from objectives import Round
from sweeps.pruning import signals
from sweeps.pruning.judge import Judge
from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.pruning.optuna_rules import OptunaRule
from sweeps.pruning.relative import EagerRule, StudyRule
from sweeps.pruning.rule import NoRule, Watch
from sweeps.trial.metric import Metric

BUDGET = 20
ACCURACY = Metric("accuracy", "maximize", chance=0.0, num_valid=0)
ERROR = Metric("error", "minimize", chance=math.nan, num_valid=0)
CLIMBING = (0.0, 0.04)  # 0.8 after 20 rounds, 0.4 after 10
FLAT = (0.8, 0.0)


def line(start: float, slope: float, rounds: int, metric: Metric = ACCURACY, **columns: Any) -> Curve:
    """start + slope * round."""
    scores = [start + slope * number for number in range(1, rounds + 1)]
    return curve_from_columns({"valid_score": scores, **columns}, metric)


def relative(rule: type[StudyRule], leader: tuple[float, float], metric: Metric = ACCURACY) -> StudyRule:
    """The rule once trial 0 has ended; what judges a trial alone never halts."""
    watch = Watch(BUDGET, metric)
    made = rule(watch, NoRule(watch), NoRule(watch))
    made.finished(0, line(*leader, BUDGET, metric), "COMPLETE")
    return made


@pytest.mark.parametrize(
    ("rule", "leader", "trial", "rounds", "reachable"),
    [
        # best + damping * slope * rounds left, against 0.8 - 0.0025 * 0.8
        (StudyRule, FLAT, (0.1, 0.02), 10, 0.30 + 0.5 * 0.02 * 10),
        (StudyRule, FLAT, (0.0, 0.06), 5, 0.30 + 0.5 * 0.06 * 15),
        (StudyRule, FLAT, (0.0, 0.06), 8, None),  # 0.48 + 0.5 * 0.06 * 12 = 0.84
        (EagerRule, FLAT, (0.0, 0.06), 8, 0.48 + 0.25 * 0.06 * 12),
        (StudyRule, FLAT, (0.1, 0.02), 2, None),  # three rounds at least
        # or the best, and what the leader gained from that round on: 0.4
        (StudyRule, CLIMBING, (0.3, 0.0), 10, 0.3 + 0.4),
        (StudyRule, CLIMBING, (0.39, 0.0), 10, 0.39 + 0.4),
        (StudyRule, CLIMBING, (0.399, 0.0), 10, None),  # 0.799, and 0.798 is near enough
        (EagerRule, CLIMBING, (0.399, 0.0), 10, 0.399),  # does not ask what others gained
        (EagerRule, CLIMBING, (0.41, 0.0), 10, None),  # ahead of the leader at that round
        # at chance (0.05 above it is no learning): 0.3 of the budget at least
        (StudyRule, FLAT, (0.04, 0.0), 5, None),
        (StudyRule, FLAT, (0.04, 0.0), 6, 0.04),
    ],
)
def test_a_trial_is_inferior_where_what_it_can_reach_is_below_the_lead(
    rule: type[StudyRule],
    leader: tuple[float, float],
    trial: tuple[float, float],
    rounds: int,
    reachable: Any,
) -> None:
    stop = relative(rule, leader).verdict(1, line(*trial, rounds))
    found = None if stop is None else stop.evidence["reachable"]
    assert found == (None if reachable is None else pytest.approx(reachable))


@pytest.mark.parametrize(("level", "reachable"), [(0.65, 0.25), (0.6, None)])
def test_of_a_metric_that_is_minimised_the_same_holds_downwards(level: float, reachable: Any) -> None:
    stop = relative(StudyRule, (1.0, -0.04), ERROR).verdict(1, line(level, 0.0, 10, ERROR))
    assert (stop and stop.evidence["reachable"]) == (None if reachable is None else pytest.approx(reachable))
    assert stop is None or stop.evidence["to_beat"] == pytest.approx(0.2)


def test_a_trial_is_compared_with_those_that_ended_before_it_was_chosen() -> None:
    watch = Watch(BUDGET, ACCURACY, parallelism=2)
    rule = StudyRule(watch, NoRule(watch), NoRule(watch))
    rule.finished(0, line(*FLAT, BUDGET), "COMPLETE")
    assert rule.verdict(1, line(0.1, 0.0, 10)) is None  # trial 1 may not know trial 0
    assert rule.verdict(2, line(0.1, 0.0, 10)) is not None
    rule.finished(1, line(0.9, 0.0, BUDGET), "FAIL")
    stop = rule.verdict(3, line(0.1, 0.0, 10))
    assert stop is not None
    assert stop.evidence["leader"] == 0  # a trial that failed leads nobody


@pytest.mark.parametrize(
    ("name", "scores", "is_halted"),
    [
        ("median", [0.29], True),  # the median of 0.1 … 0.5 is 0.3
        ("median", [0.31], False),
        ("percentile", [0.39], True),  # the best quarter begins at 0.4
        ("percentile", [0.41], False),
        ("halving", [0.45], True),  # at the first rung, one of six goes on
        ("halving", [0.55], False),
        ("patient", [0.29, 0.28, 0.28], False),  # two rounds without an improvement are waited for
        ("patient", [0.29, 0.28, 0.28, 0.28], True),
        ("patient", [0.29, 0.29, 0.29, 0.29], False),  # not worse than before
    ],
)
def test_optunas_pruners_compare_with_the_five_before(
    name: str, scores: list[float], is_halted: bool
) -> None:
    rule = OptunaRule.named(name, Watch(BUDGET, ACCURACY))
    for number in range(5):
        rule.finished(number, line(0.1 * (number + 1), 0.0, BUDGET), "COMPLETE")
    curve = curve_from_columns({"valid_score": scores}, ACCURACY)
    halts = [rule.verdict(5, curve.until(rounds)) is not None for rounds in range(1, len(scores) + 1)]
    assert halts == [False] * (len(scores) - 1) + [is_halted]


def with_signals(**columns: Any) -> Curve:
    """Three rounds, the second of which is the best."""
    return curve_from_columns({"valid_score": [0.2, 0.5, 0.5], **columns}, ACCURACY)


@pytest.mark.parametrize(
    ("columns", "share", "died"),
    [
        ({}, 0.0, False),
        ({"dead_share": [0.1, 0.1, 0.6]}, 0.6, True),
        ({"dead_share": [0.1, 0.1, 0.45]}, 0.45, False),  # not half of the units
        ({"dead_share": [0.4, 0.4, 0.55]}, 0.55, False),  # not 0.2 more than at the best
        ({"dead_share": [0.1, 0.1, 0.2], "saturated_share": [0.0, 0.0, 0.7]}, 0.7, True),
        ({"dead_share": [0.1, 0.1, math.nan]}, 0.0, False),
    ],
)
def test_units_have_died_where_half_are_dead_and_far_more_than_at_the_best(
    columns: dict[str, Any], share: float, died: bool
) -> None:
    curve = with_signals(**columns)
    assert (signals.worst_share(curve), signals.units_died(curve)) == (share, died)


@pytest.mark.parametrize(
    ("whole", "first", "vanishes"),
    [(1e-4, None, True), (2e-3, None, False), (1.0, 0.005, True), (1.0, 0.02, False), (0.0, 0.0, True)],
)
def test_a_gradient_vanishes_below_a_hundredth_in_the_first_layer_or_a_thousandth_in_all(
    whole: float, first: float | None, vanishes: bool
) -> None:
    columns = {"gradient_norm": [whole] * 3, "first_layer_gradient_norm": [first] * 3}
    assert signals.vanishes(with_signals(**columns)) is vanishes


@pytest.mark.parametrize(
    ("rows", "by_batch", "least", "is_stale"),
    [
        (0, 0.515, 0.02, False),  # two points of the way from 0 to 1
        (0, 0.525, 0.02, True),
        (100, 0.515, 0.15, False),  # of a label, three errors of half of 100 rows: 3 * sqrt(0.25 / 100)
        (100, 0.525, 0.15, True),  # but rows change no halt
    ],
)
def test_statistics_are_stale_where_the_batchs_own_are_better_by_far(
    rows: int, by_batch: float, least: float, is_stale: bool
) -> None:
    metric = Metric("accuracy", "maximize", chance=0.0, num_valid=rows)
    columns = {"valid_score": [0.2, 0.5, 0.5], "valid_score_batch_statistics": [0.2, 0.5, by_batch]}
    curve = curve_from_columns(columns, metric)
    assert signals.least_lag(curve) == pytest.approx(least)
    assert signals.is_stale(curve) is is_stale


def rounds_of(losses: list[float]) -> list[Round]:
    """Rounds with these training losses, whose scores rise."""
    return [
        Round(index=index, train_loss=loss, valid_loss=1 / index, train_score=None, valid_score=0.01 * index)
        for index, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("budget", "losses", "by_itself", "reason"),
    [
        (4, [3.0, 2.0], False, None),
        (4, [4.0, 3.0, 2.0, 1.0], False, "finished"),
        (4, [4.0, 3.0, 2.0, math.nan], False, "diverged"),  # what is spoilt is not called finished
        (4, [4.0, 3.0, 2.0, 1.0], True, None),  # code that ends by itself is asked for more
        (600, [3.0], False, None),  # judged after each second round
        (600, [math.nan], False, "diverged"),  # but for what is not finite
    ],
)
def test_a_judge_ends_a_trial_at_its_last_round_or_by_its_rule(
    budget: int, losses: list[float], by_itself: bool, reason: str | None
) -> None:
    judge = Judge("onset", Watch(budget, ACCURACY), ends_by_itself=by_itself)
    stop = judge.verdict(0, rounds_of(losses))
    assert (stop and stop.reason) == reason
