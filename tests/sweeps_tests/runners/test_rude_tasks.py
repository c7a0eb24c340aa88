"""Whatever a task does is data of its trial: never the driver's end, never a resume's, never a study that hangs."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest

from storage.trials import TrialRow
from sweeps.runners import worker
from sweeps.study.stored_study import Study, load
from sweeps.sweep import resume
from tests.conftest import HERE, ToyLauncher
from tests.rude_task import Fault
from tests.sweeps_tests.driver.test_checkpoints import cut_off_after, figures

RUDE = f"{HERE / 'rude_task.py'}:Rude"
KEPT = {"none", "close_raises", "close_exits", "numpy_state", "own_state", "state_raises",
        "unpicklable_state", "cannot_go_on", "goes_on_elsewhere"}  # fmt: skip
FAULTS = [fault for fault in typing.get_args(Fault) if fault not in KEPT]


@pytest.fixture
def launch_rude(launch_toy: ToyLauncher, tmp_path: Path) -> Any:
    """Launches a cell for each of the faults."""

    def launch_it(faults: list[str], *overrides: str, **options: Any) -> Study:
        space = tmp_path / "faults.yaml"
        space.write_text(f"space:\n  fault: {{choices: [{', '.join(faults)}, none]}}\n")
        options = {"num_trials": len(faults) + 1, "max_failures": 99, "stop_rule": "none"} | options
        return launch_toy(*overrides, task=RUDE, space=space, sampler="grid", **options).study

    return launch_it


SAID = {
    "index_skips": "index is 7, but must be 2",
    "index_repeats": "index is 1, but must be 2",
    "index_is_a_tensor": "index is tensor(2), a Tensor, but must be a whole number",
    "score_is_a_tensor": "valid_score is tensor(",
    "score_is_an_array": "valid_score is array(",
    "score_is_a_word": "valid_score is 'good', a str, but must be a number",
    "score_is_none": "valid_score is None",
    "score_is_huge": "valid_score is",
    "cost_is_a_word": "cost.seconds is 'long'",
    "extra_is_a_list": "extra is [1.0], a list",
    "extra_is_a_tensor": "extra.f1 is tensor(1.)",
    "extra_has_a_number_as_name": "extra has the name 1, an int",
    "extra_has_our_name": "extra has the name 'seconds'",
    "no_round": "advance() returned None, a NoneType, but must return a Round",
    "done_early": "rounds_done is 1000000000 after round 2",
    "done_never": "rounds_done is 0 after round 2",
    "other_budget": "a run of 10 rounds, but its run has rounds = 15",
    "exits": "SystemExit: the task is done for",
    "exits_with_zero": "SystemExit: 0",
    "interrupts_itself": "KeyboardInterrupt",
    "raises_its_own_base": "OwnBase: base",
    "raises_what_cannot_be_told": "CannotBeTold",
    "starts_with_an_exit": "SystemExit: no",
    "stops_iterating": "StopIteration",
}


@pytest.mark.parametrize("runner", ["inline", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_fault_is_recorded_with_its_trial_and_the_study_goes_on(launch_rude: Any, runner: str) -> None:
    workers = 2 if runner == "ray" else None
    study = launch_rude(FAULTS, runner=runner, workers=workers)
    ends = {trial.params["fault"]: trial for trial in study.table() if trial.number <= len(FAULTS)}
    assert {fault: trial.state for fault, trial in ends.items()} == dict.fromkeys(FAULTS, "FAIL") | {
        "none": "COMPLETE"
    }
    for fault, words in SAID.items():
        assert words in ends[fault].attributes["because"]
        assert ends[fault].attributes["evidence"]["kind"] == "error"


@pytest.mark.parametrize("fault", ["close_raises", "close_exits"])
def test_a_run_that_cannot_be_closed_costs_nothing(launch_rude: Any, fault: str) -> None:
    trials = launch_rude([fault]).table()
    assert [trial.state for trial in trials] == ["COMPLETE", "COMPLETE"]


STATES = [
    "numpy_state",
    "own_state",
    "state_raises",
    "unpicklable_state",
    "cannot_go_on",
    "goes_on_elsewhere",
]


@pytest.mark.parametrize("every", [0.0, 1e9])
@pytest.mark.parametrize("fault", STATES)
def test_a_state_that_cannot_be_kept_costs_time_and_no_trial(
    launch_rude: Any, monkeypatch: pytest.MonkeyPatch, fault: str, every: float
) -> None:
    with monkeypatch.context() as patch:
        cut_off_after(6, patch)
        launch_rude([fault], checkpoint_seconds=every, study="cut")
    resume("cut")
    undisturbed = launch_rude([fault], checkpoint_seconds=1e9, study="undisturbed")
    assert figures(load("cut")) == figures(undisturbed)


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_it_is_said_once_and_noted_whatever_the_clock_says(
    launch_rude: Any, capsys: pytest.CaptureFixture[str], every: float
) -> None:
    study = launch_rude(["numpy_state"], checkpoint_seconds=every)
    noted = noted_of(study.trial(0))
    assert "state can't be saved" in noted
    assert noted in capsys.readouterr().err
    assert noted_of(study.trial(1)) == ""


def noted_of(trial: TrialRow) -> str:
    return str(trial.attributes.get("starts_over", ""))


def test_inline_a_close_that_never_returns_is_not_waited_for(
    launch_rude: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "CLOSING_SECONDS", 0.05)
    study = launch_rude(["score_is_none"], "close_hangs=true")
    assert [trial.state for trial in study.table()] == ["FAIL", "COMPLETE"]
    assert "a trial's run has not closed within 0.05 s. The study continues" in capsys.readouterr().err


@pytest.mark.ray
def test_a_close_that_never_returns_costs_a_worker_and_no_trial(
    launch_rude: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps.runners.ray_tune import runner

    monkeypatch.setattr(runner, "CLOSING_SECONDS", 1.0)
    study = launch_rude(["score_is_none"], "close_hangs=true", runner="ray", workers=1)
    assert [trial.state for trial in study.table()] == ["FAIL", "COMPLETE"]
