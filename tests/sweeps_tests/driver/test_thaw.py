"""`--schedule thaw`: trials that are paused and go on, and what is shown and kept of them."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from objectives import Round
from sweeps import RunSettings, StudySettings, sweep
from sweeps.best_config.document import read_config
from sweeps.driver.observer import Standing
from sweeps.driver.results_folder import weights_path
from sweeps.errors import UsageError
from sweeps.launching import Launch
from sweeps.report.commands import launch_command
from sweeps.study.stored_study import Study
from sweeps.sweep import Result
from sweeps.trial.verdict import End
from sweeps.trial.work import Assignment
from tests.conftest import TOY, TOY_SPACE, ToyLauncher
from tests.sweeps_tests.driver.tables import figures

THAW: dict[str, Any] = {"schedule": "thaw", "rounds": 20}


def points(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.all_trials()]


def test_the_best_trial_runs_to_its_end_and_others_are_paused(launch_toy: ToyLauncher) -> None:
    study = launch_toy(**THAW).study
    table = study.table()
    assert len(table) == 8
    assert study.best().attributes["stop_reason"] == "finished"
    assert Counter(trial.state for trial in table if trial.attributes["stop_reason"] == "paused") == {
        "PRUNED": 7
    }
    assert study.cost().rounds_run < 80


def test_every_paused_trial_keeps_its_best_score(launch_toy: ToyLauncher) -> None:
    study = launch_toy(**THAW).study
    rounds = study.rounds()
    for trial in study.table():
        assert trial.value == rounds[rounds["trial"] == trial.number]["valid_score"].max()


class Interrupts:
    """Watches a run, and interrupts it as Ctrl-C does after so many rounds."""

    def __init__(self, num_rounds: int) -> None:
        self._left = num_rounds

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None: ...
    def started(self, assignment: Assignment, *, again: bool) -> None: ...
    def paused(self, number: int) -> None: ...
    def ended(self, number: int, end: End, num_rounds: int, standing: Standing) -> None: ...
    def recorded(self, number: int, latest: Round) -> None:
        self._left -= 1
        if self._left == 0:
            signal.raise_signal(signal.SIGINT)


def interrupted(num_rounds: int, study: str) -> Result:
    settings = StudySettings(TOY, space=TOY_SPACE, **THAW)
    run = RunSettings(runner="inline", num_trials=8)
    return sweep.launch(settings, run, study=study, watcher=Interrupts(num_rounds))


def test_an_interrupted_study_has_a_best_trial_that_is_paused(launch_toy: ToyLauncher) -> None:
    result = interrupted(15, "cut")
    assert result.ending == "interrupted"
    best = result.study.best()
    assert (best.state, best.attributes["stop_reason"]) == ("WAITING", "paused")
    written = read_config(result.study.best_path)
    assert (written.trial, written.value, written.best_round) == (
        best.number,
        best.value,
        best.attributes["best_round"],
    )
    assert weights_path(result.study, best).is_file()  # type: ignore[union-attr]


@pytest.mark.parametrize("num_rounds", [1, 15, 40])
def test_an_interrupted_study_goes_on_to_the_undisturbed_table(
    launch_toy: ToyLauncher, num_rounds: int
) -> None:
    expected = figures(launch_toy(study="undisturbed", **THAW).study)
    interrupted(num_rounds, "cut")
    assert figures(sweep.resume("cut").study) == expected


def test_more_trials_let_paused_ones_go_on_and_are_those_of_a_larger_study(launch_toy: ToyLauncher) -> None:
    few = launch_toy(study="grown", num_trials=5, **THAW).study
    before = few.cost().rounds_run
    grown = sweep.resume("grown", {"num_trials": 12}).study
    at_once = launch_toy(study="at-once", num_trials=12, **THAW).study
    assert points(grown) == points(at_once)
    assert grown.cost().rounds_run > before
    assert {trial.state for trial in grown.table()} <= {"COMPLETE", "PRUNED"}
    assert grown.best().value == at_once.best().value


def test_nothing_is_trained_twice_when_trials_are_added(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    launch_toy(f"journal={journal}", study="grown", num_trials=4, **THAW)
    grown = sweep.resume("grown", {"num_trials": 8}).study
    assert len(journal.read_text().splitlines()) == grown.cost().rounds_run


def test_a_trial_that_fails_late_ends_a_study_of_failures(launch_toy: ToyLauncher) -> None:
    result = launch_toy("behaviour=crashes", "at_round=1", **THAW)
    assert result.ending == "failures"


def test_halts_by_its_own_curve_apply(launch_toy: ToyLauncher) -> None:
    study = launch_toy("behaviour=diverges", "at_round=3", **THAW).study
    assert {trial.attributes["stop_reason"] for trial in study.table()} <= {"diverged", "paused"}
    assert study.best().attributes["stop_reason"] == "diverged"


def test_a_report_names_the_command_with_the_schedule(launch_toy: ToyLauncher) -> None:
    assert "--schedule thaw" in launch_command(launch_toy(num_trials=2, **THAW).study)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop_rule": "median"}, "--stop-rule onset or none"),
        ({"sampler": "grid"}, "--sampler grid"),
        ({"target": 0.5}, "--target"),
        ({"schedule": "thawed"}, "did you mean"),
    ],
)
def test_what_does_not_go_together_is_refused(
    launch_toy: ToyLauncher, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        launch_toy(**{**THAW, **options})
