"""An Optuna objective as it stands: its parameters are answered by the driver, and stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

import sweeps
from sweeps.driver.study_driver import StudyDriver
from tests.sweeps_tests.conftest import Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write
from tests.sweeps_tests.own_code.test_functions import table

Launch = Callable[..., Said]


def test_an_objective_runs_from_launch_to_replay_and_confirmation(
    launch_own: Launch, sweep: Sweep, objective: Path, tmp_path: Path
) -> None:
    said = launch_own(f"{objective}:objective", "-n", "14", "--study", "own", "--out", tmp_path / "out").err
    assert "Optuna objective objective in study.py; minimizes value" in said
    assert "All 4 rounds are equal; value" in sweep("replay", tmp_path / "out" / "best.yaml").err
    confirmed = sweep("confirm", "own", "--top", "2", "--seeds", "2", "--runner", "inline").err
    assert "There is no test split" in confirmed


def test_its_parameters_are_those_that_it_asked_for(
    launch_own: Launch, sweep: Sweep, objective: Path
) -> None:
    launch_own(objective, "-n", "8", "--study", "own")
    for row in table(sweep, "own"):
        assert ("scale" in row["params"]) == (row["params"]["kind"] == "curve")
        assert ("count" in row["params"]) == (row["params"]["x"] > 0)
    trial = sweeps.load("own").trial(0)
    assert trial.attributes["count"] == trial.params.get("count", 0)


@pytest.mark.parametrize("stop_rule", ["none", "median"])
def test_a_driver_that_is_killed_gives_the_same_table(
    launch_own: Launch,
    sweep: Sweep,
    objective: Path,
    stop_rule: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = (objective, "-n", "14", "--stop-rule", stop_rule)
    launch_own(*words, "--study", "whole")
    told, calls = StudyDriver.suggest, []

    def killed(driver: StudyDriver, *wanted: Any) -> Any:
        calls.append(wanted)
        if len(calls) in (2, 9, 40):
            raise KeyboardInterrupt
        answer = told(driver, *wanted)
        if len(calls) in (5, 33):
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(StudyDriver, "suggest", killed)
    for _ in range(5):
        launch_own(*words, "--study", "killed", code=130)
    launch_own(*words, "--study", "killed")
    assert table(sweep, "killed") == table(sweep, "whole")


@pytest.mark.ray
def test_on_two_workers_the_table_is_that_of_one(
    launch_own: Launch, sweep: Sweep, objective: Path, write: Write
) -> None:
    """With durations that differ, so that trials end in another order; plain Optuna's `n_jobs` gives another table."""
    text = objective.read_text().replace(
        "for step in range(4):", "for step in range(4):\n        time.sleep(abs(x) / 60)"
    )
    slow = write(f"import time\n{text}", "study.py")
    launch_own(slow, "-n", "16", "--study", "one")
    sweep("launch", slow, "-n", "16", "--study", "two", "--workers", "2")
    assert table(sweep, "two") == table(sweep, "one")


def test_a_halt_by_the_studys_rule_is_pruned(launch_own: Launch, sweep: Sweep, objective: Path) -> None:
    launch_own(objective, "-n", "16", "--study", "own", "--stop-rule", "percentile")
    pruned = [row for row in table(sweep, "own") if row["state"] == "PRUNED"]
    assert pruned
    assert all(row["stop_reason"] == "inferior" and row["rounds"] < 4 for row in pruned)


def test_an_objective_may_prune_by_itself(launch_own: Launch, sweep: Sweep, write: Write) -> None:
    path = write(
        """
        import optuna

        def objective(trial):
            x = trial.suggest_int("x", 0, 9)
            if x % 2:
                raise optuna.TrialPruned()
            return x
        """
    )
    launch_own(path, "-n", "6", "--study", "own")
    for row in table(sweep, "own"):
        assert row["state"] == ("PRUNED" if row["params"]["x"] % 2 else "COMPLETE")
    assert {row["stop_reason"] for row in table(sweep, "own")} == {"pruned", "finished"}


def test_without_should_prune_nothing_is_halted(launch_own: Launch, sweep: Sweep, write: Write) -> None:
    path = write(
        """
        def objective(trial):
            x = trial.suggest_float("x", 0, 1)
            for step in range(5):
                trial.report(x * step, step)
            return -1.0
        """
    )
    launch_own(path, "-n", "8", "--study", "own", "--stop-rule", "percentile")
    rows = table(sweep, "own")
    assert {(row["state"], row["value"], row["rounds"]) for row in rows} == {("COMPLETE", -1.0, 6)}


def test_a_parameter_may_be_fixed(launch_own: Launch, sweep: Sweep, objective: Path) -> None:
    launch_own(objective, "kind=curve", "-n", "4", "--study", "own")
    assert {row["params"]["kind"] for row in table(sweep, "own")} == {"curve"}


def test_its_answers_are_those_of_optunas_sampler(launch_own: Launch, sweep: Sweep, write: Write) -> None:
    """The first trials of a random sampler, by the seed of each trial."""
    path = write("def objective(trial):\n    return trial.suggest_float('x', 0, 1)\n")
    launch_own(path, "-n", "3", "--study", "own", "--sampler", "random")
    drawn = [row["params"]["x"] for row in table(sweep, "own")]
    assert len(set(drawn)) == 3
    distribution = optuna.distributions.FloatDistribution(0, 1)
    assert all(distribution._contains(value) for value in drawn)
