"""Two studies side by side: equal where they must be, and otherwise where they part and by how much."""

from __future__ import annotations

import json

import pytest

from sweeps import RunSettings
from sweeps.errors import UsageError
from sweeps.repeats.confirm import confirm
from sweeps.report.comparison import compare
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep


def test_the_same_specification_run_twice_is_the_same_table(launch_toy: ToyLauncher, sweep: Sweep) -> None:
    launch_toy(study="a", num_trials=6)
    launch_toy(study="b", num_trials=4)
    found = compare(load("a"), load("b"))
    assert (found.is_same_table, found.in_common, found.specification) == (True, 4, [])
    said = sweep("compare", "a", "b").out
    assert "Specification: the same." in said
    assert "Tables: the 4 trials that both have are the same, in every figure." in said


def test_another_seed_parts_in_the_first_trial_and_it_is_said_by_how_much(launch_toy: ToyLauncher) -> None:
    launch_toy(study="a", num_trials=3)
    launch_toy(study="b", num_trials=3, seed=1)
    found = compare(load("a"), load("b"))
    assert found.specification == ["seed: 0 -> 1"]
    assert found.part is not None
    assert (found.part.trial, found.part.round, found.part.figure) == (0, 1, "train_score")
    assert found.part.difference == pytest.approx(abs(found.part.first - found.part.second))


def test_two_spaces_differ_by_more_than_luck_once_both_are_confirmed(
    launch_toy: ToyLauncher, sweep: Sweep
) -> None:
    launch_toy("quality=0.8", study="a", num_trials=2)
    launch_toy("quality=0.4", study="b", num_trials=2)
    assert "not known" in compare(load("a"), load("b")).verdict
    for name in ("a", "b"):
        confirm(name, top=1, seeds=3, sealed=True, run=RunSettings(runner="inline"))
    found = compare(load("a"), load("b"))
    assert found.verdict.startswith("a is better by 0.4 (95 % interval 0.")
    assert found.verdict.endswith("paired t-test, 3 common seeds).")
    assert "more than luck (p = " in found.verdict
    record = json.loads(sweep("compare", "a", "b", "-f", "json").out)[0]
    assert record["p_value"] < 0.05
    assert record["difference"]["pairs"] == 3
    assert len(record["best"][0]["confirmed"]) == 3


def test_bests_of_other_seeds_are_compared_without_pairs(launch_toy: ToyLauncher) -> None:
    launch_toy("quality=0.8", study="a", num_trials=2)
    launch_toy("quality=0.8", study="b", num_trials=2, seed=1)
    for name in ("a", "b"):
        confirm(name, top=1, seeds=3, sealed=True, run=RunSettings(runner="inline"))
    verdict = compare(load("a"), load("b")).verdict
    assert "which may be luck" in verdict
    assert "Welch's t-test, 3 and 3 seeds" in verdict
    assert verdict.endswith("More seeds would tell more: sweep confirm --seeds N.")


def test_one_study_confirmed_and_compared_with_itself_is_equal(launch_toy: ToyLauncher) -> None:
    launch_toy("quality=0.8", study="a", num_trials=2)
    confirm("a", top=1, seeds=2, sealed=True, run=RunSettings(runner="inline"))
    found = compare(load("a"), load("a"))
    assert found.verdict == "The confirmed scores are equal (paired t-test, 2 common seeds)."


def test_the_best_so_far_is_taken_at_the_same_number_of_rounds(launch_toy: ToyLauncher) -> None:
    launch_toy(study="a", num_trials=4)
    launch_toy(study="b", num_trials=2)
    marks = compare(load("a"), load("b")).so_far
    most = max(mark for mark, _, _ in marks)
    assert most == load("a").cost().rounds_run
    assert marks[-1][2] is None
    assert all(one == other for mark, one, other in marks if other is not None)


def test_studies_of_other_metrics_are_not_compared(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.toy import Toy

    launch_toy(study="a", num_trials=1)
    monkeypatch.setattr(Toy, "direction", "minimize")
    a, b = load("a"), load("a")
    monkeypatch.setattr(type(b.spec.metric), "oriented", lambda self, score: score)
    object.__setattr__(b.spec.metric, "name", "recall")
    with pytest.raises(UsageError, match="only studies of the same metric"):
        compare(a, b)
