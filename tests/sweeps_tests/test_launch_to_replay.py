"""A study from launch to replay, in process, on the toy."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.best_config.document import read_config
from sweeps.best_config.replay import prepare_replay
from sweeps.repeats.confirm import confirm
from sweeps.settings import RunSettings, StudySettings
from sweeps.sweep import launch
from tests.conftest import ToyLauncher


def test_a_launch_ends_in_a_table_and_a_best_config_that_replays(launch_toy: ToyLauncher) -> None:
    result = launch_toy()
    assert result.ending is None
    assert [trial.number for trial in result.study.table()] == list(range(8))
    best = result.study.best()
    assert best.value == max(trial.value for trial in result.study.table() if trial.value is not None)
    replay = prepare_replay(read_config(result.study.best_path), Path())
    assert replay.must_be_equal
    compared = list(replay.compare(tolerance=0.0))
    assert len(compared) == 10
    assert all(each.equal for each in compared)


def test_trial_0_is_the_defaults(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=1).study
    assert study.parameters(study.trial(0))["quality"] == 0.5


def test_launching_the_same_specification_again_continues_it(launch_toy: ToyLauncher) -> None:
    first = launch_toy(num_trials=3).study
    again = launch_toy(num_trials=6).study
    assert again.name == first.name
    assert len(again.table()) == 6
    at_once = launch_toy(num_trials=6, study="undisturbed").study
    assert [(t.params, t.value) for t in at_once.table()] == [(t.params, t.value) for t in again.table()]


def test_a_study_of_some_rows_confirms_and_replays_on_those_rows() -> None:
    settings = StudySettings(
        "mnist_mlp", ("hidden_width=8..32",), data="mnist-5k", rounds=2, train_rows=200, valid_rows=100
    )
    study = launch(settings, RunSettings(num_trials=2, runner="inline")).study
    assert (study.spec.data.train_rows, study.spec.data.valid_rows) == (200, 100)
    replay = prepare_replay(read_config(study.best_path), Path())
    assert all(each.equal for each in replay.compare(tolerance=0.0))
    result, _ = confirm(study.name, top=1, seeds=2, sealed=True, run=RunSettings(runner="inline"))
    assert result.study.spec.data.train_rows == 200


@pytest.mark.parametrize(
    ("behaviour", "state", "reason", "rounds"),
    [
        ("learns", "COMPLETE", "finished", 10),
        ("overfits", "COMPLETE", "overfitting", 8),
        ("collapses", "COMPLETE", "collapsed", 7),
        ("diverges", "COMPLETE", "diverged", 4),
        ("crashes", "FAIL", "error", None),
        ("allocates", "FAIL", "error", None),
    ],
)
def test_how_a_stop_is_recorded(
    launch_toy: ToyLauncher, behaviour: str, state: str, reason: str, rounds: int | None
) -> None:
    result = launch_toy(f"behaviour={behaviour}", num_trials=1)
    trial = result.study.trial(0)
    assert (trial.state, trial.attributes["stop_reason"]) == (state, reason)
    if rounds is not None:
        assert trial.attributes["rounds"] == rounds
