"""Studies whose configurations have several trials: from several seeds, or over folds."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from sweeps import resume
from sweeps.best_config.document import read_config
from sweeps.repeats.audit import audit
from sweeps.repeats.confirm import confirm
from sweeps.settings import RunSettings
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep, TimeIsUp
from tests.sweeps_tests.driver.tables import figures

SEVERAL: dict[str, dict[str, Any]] = {"repeats": {"repeats": 3}, "folds": {"folds": 3}}


@pytest.mark.parametrize("kind", SEVERAL)
def test_a_study_that_was_cut_off_has_the_same_table(
    launch_toy: ToyLauncher, time_is_up: TimeIsUp, kind: str
) -> None:
    whole = launch_toy(num_trials=8, **SEVERAL[kind]).study
    launch_toy(num_trials=3, study="cut", **SEVERAL[kind])
    for rounds in (4, 23):
        with time_is_up(after_rounds=rounds):
            resume("cut", {"num_trials": 8, "timeout_seconds": 1.0})
    cut = resume("cut").study
    assert figures(cut) == figures(whole)
    assert len(cut.table()) == 24
    assert any(trial.attributes["stop_reason"] == "hopeless" for trial in cut.table()) == (kind == "folds")


def test_the_best_configuration_is_the_one_with_the_best_mean(
    launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path
) -> None:
    study = launch_toy(num_trials=4, repeats=3, study="s", keep_weights="top:1").study
    values = [[trial.value for trial in study.table()[3 * k : 3 * k + 3]] for k in range(4)]
    best = max(range(4), key=lambda k: statistics.fmean(values[k]))
    trial = study.best()
    assert trial.attributes["configuration"] == best
    assert study.best_value() == statistics.fmean(values[best])
    assert read_config(study.best_path).trial == trial.number
    assert len(list((study.out / "weights").iterdir())) == 1
    spread = f"{statistics.fmean(values[best]):.4g} ± {statistics.stdev(values[best]):.2g}"
    assert spread in sweep("resume", "s", "--runner", "inline").err
    sweep("replay", study.best_path)


def test_a_configuration_with_a_failed_trial_is_not_the_best(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    study = launch_toy("behaviour=crashes_once", f"dies_once={mark}", num_trials=3, repeats=2).study
    first = study.configurations()[0]
    assert [trial.state for trial in first.trials] == ["FAIL", "COMPLETE"]
    assert study.best().attributes["configuration"] != 0
    assert len(study.ranking()) == 2


def test_many_failed_trials_of_one_configuration_are_one_failure(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=crashes", num_trials=9, repeats=5, study="s")
    assert len({trial.attributes["configuration"] for trial in load("s").table()}) == 3


def test_repeats_are_confirmed_and_audited(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=overfits", num_trials=3, repeats=2, study="s")
    run = RunSettings(runner="inline")
    found = confirm("s", top=2, seeds=2, sealed=True, run=run)[1]
    assert found is not None
    assert {each.trial for each in found.candidates} == {trial.number for trial in load("s").ranking(2)}
    audited = audit("s", share=1.0, run=run)[1]
    assert audited is not None
    assert len(audited.trials) == 6
    assert all(each.is_same for each in audited.trials)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--repeats", "0"), "--repeats 0 must be at least 1."),
        (("--repeats", "-3"), "--repeats -3 must be at least 1."),
        (("--folds", "1"), "--folds 1 must be at least 2."),
        (("--folds", "0"), "--folds 0 must be at least 2."),
        (("--folds", "500"), "400 rows of toy-rows are too few for 500 folds."),
        (("--repeats", "2", "--target", "0.5"), "--target 0.5 can't be used with --repeats or --folds"),
    ],
)
def test_senseless_numbers_are_refused(launch_refused: Refusal, words: tuple[str, ...], message: str) -> None:
    assert message in launch_refused(*words)


def test_own_code_is_repeated_and_has_no_folds(tmp_path: Path, sweep: Sweep, refused: Refusal) -> None:
    code = tmp_path / "train.py"
    code.write_text(
        "import random\nimport sweeps\n\n\n"
        "@sweeps.objective(space={'lr': (0.0, 1.0)}, metric='f1', direction='maximize', rounds=2)\n"
        "def train(trial):\n    for _ in trial.rounds():\n"
        "        trial.report(f1=trial.params['lr'] + random.random())\n"
    )
    sweep("launch", code, "--runner", "inline", "-n", "3", "--repeats", "2", "--study", "own")
    assert len({trial.value for trial in load("own").table()}) == 6
    assert "--folds 3: train loads its data itself" in refused("launch", code, "--folds", "3")
    code.write_text("def objective(trial):\n    return trial.suggest_float('x', 0, 1)\n")
    message = refused("launch", f"{code}:objective", "--repeats", "2", "--runner", "inline")
    assert "is an Optuna objective, which asks for its parameters as it runs and takes no seed" in message
