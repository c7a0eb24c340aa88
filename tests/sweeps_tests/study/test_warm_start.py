"""Studies that begin with the trials of an older one (warm starts and branches), and trials that are added by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.additions import read_additions
from sweeps import resume
from sweeps.driver.study_driver import StudyDriver
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep, TimeIsUp
from tests.sweeps_tests.driver.tables import figures

OBJECTIVE = "def objective(trial):\n    return trial.suggest_float('x', -5, 5) ** 2\n"
FUNCTION = (
    "import sweeps\n\n\n@sweeps.objective(space={{'lr': (0.0, 1.0)}}, metric='{metric}', direction='{direction}', "
    "rounds=2)\ndef train(trial):\n    for _ in trial.rounds():\n        trial.report({metric}=trial.params['lr'])\n"
)


def test_the_observations_are_copied_so_that_the_older_study_may_be_deleted(
    launch_toy: ToyLauncher, sweep: Sweep, time_is_up: TimeIsUp
) -> None:
    launch_toy(num_trials=12, study="older")
    whole = launch_toy(num_trials=6, study="warm", warm_start="older").study
    launch_toy(num_trials=2, study="cut", warm_start="older")
    sweep("delete", "older", "--yes")
    with time_is_up(after_rounds=13):
        resume("cut", {"num_trials": 6, "timeout_seconds": 1.0})
    assert figures(resume("cut").study) == figures(whole)
    assert len(whole.spec.observations) == 12
    cold = launch_toy(num_trials=6).study
    assert cold.spec.fingerprint != whole.spec.fingerprint
    assert "warm_start" not in cold.spec.to_dict()
    assert abs(whole.table()[0].params["quality"] - 0.9) < abs(cold.table()[0].params["quality"] - 0.9)


def test_what_does_not_fit_is_named_and_the_rest_is_kept(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "8", "--study", "older")
    said = sweep("branch", "older", "quality=0.5..0.9", "batch_norm=false", "-n", "3", "--study", "b").err
    kept = load("b").spec.observations
    table = load("older").table()
    fit = [t for t in table if t.params["quality"] >= 0.5 and not t.params.get("batch_norm")]
    assert [each["trial"] for each in kept] == [trial.number for trial in fit]
    assert all(each["value"] == trial.value for each, trial in zip(kept, fit, strict=True))
    assert f"older: {len(fit)} trial" in said
    assert "quality lies outside the space" in said
    left_out = load("b").spec.warm_start["left_out"]
    assert sorted(n for each in left_out.values() for n in each) == [
        trial.number for trial in table if trial not in fit
    ]


def test_a_branch_of_a_branch_keeps_what_its_parent_kept(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "3", "--study", "one")
    sweep("branch", "one", "quality=0.2..0.95", "-n", "2", "--study", "two")
    sweep("branch", "two", "quality=0.2..0.99", "-n", "2", "--study", "three")
    kept = load("three").spec.observations
    assert [each.get("study") for each in kept] == ["one", "one", "one", None, None]


def test_trials_that_cannot_be_compared_are_hints(launch: Sweep) -> None:
    launch("-n", "8", "--study", "older", "--rounds", "5")
    said = launch("-n", "7", "--study", "new", "--warm-start", "older").err
    assert "older: the best 5 are tried first, as hints (trials of 5 rounds, not 10)" in said
    best = [trial.params for trial in load("older").ranking(5)]
    assert [trial.params for trial in load("new").table()[1:6]] == best
    assert load("new").spec.observations == []


def test_an_optuna_objective_learns_from_an_older_study(
    tmp_path: Path, sweep: Sweep, refused: Refusal
) -> None:
    code = tmp_path / "study.py"
    code.write_text(OBJECTIVE)
    target = f"{code}:objective"
    sweep("launch", target, "--runner", "inline", "-n", "12", "--study", "older")
    sweep("launch", target, "--runner", "inline", "-n", "2", "--study", "w", "--warm-start", "older")
    best = abs(load("older").best().params["x"])
    assert abs(load("w").table()[0].params["x"] - best) < 3
    assert "the code of an Optuna objective sets the ranges" in refused("branch", "older", "x=0..1")
    sweep("add", "older", "x=4.5")
    sweep("resume", "older")
    assert load("older").table()[12].params == {"x": 4.5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--warm-start", "none"), "There is no study 'none'"),
        (
            ("--warm-start", "older", "--sampler", "random"),
            "The sampler random learns nothing from the trials",
        ),
        (
            ("--warm-start", "older", "quality=0.95..0.99"),
            "No trial of older fits this study.\nnot used: trials 0, 1",
        ),
    ],
)
def test_a_warm_start_without_use_is_refused(
    launch: Sweep, launch_refused: Refusal, words: tuple[str, ...], message: str
) -> None:
    launch("-n", "2", "--study", "older")
    assert message in launch_refused(*words)


def test_a_study_of_another_metric_or_direction_is_refused(
    tmp_path: Path, sweep: Sweep, refused: Refusal
) -> None:
    code = tmp_path / "train.py"
    code.write_text(FUNCTION.format(metric="f1", direction="maximize"))
    sweep("launch", code, "--runner", "inline", "-n", "2", "--study", "older")
    for metric, direction in (("loss", "minimize"), ("f1", "minimize")):
        code.write_text(FUNCTION.format(metric=metric, direction=direction))
        message = refused("launch", code, "--runner", "inline", "--warm-start", "older")
        assert f"older maximizes f1, and this study {direction}s {metric}" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("quality=0.2..0.9",),
            "This changes nothing in the space of older. To train more trials: sweep resume",
        ),
        (("nothing=1",), "has no parameter 'nothing'"),
        (("quality=0.5", "batch_size=8", "batch_norm=false"), "No trial of older fits this study."),
    ],
)
def test_a_branch_without_sense_is_refused(
    launch: Sweep, refused: Refusal, words: tuple[str, ...], message: str
) -> None:
    launch("-n", "2", "--study", "older")
    assert message in refused("branch", "older", *words)


def test_an_added_trial_gets_a_recorded_number_and_the_table_is_the_same_after_a_cut(
    launch_toy: ToyLauncher, sweep: Sweep, time_is_up: TimeIsUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added while the study runs: when its third trial begins."""

    def add_at_trial_2(self: StudyDriver, *arguments: object) -> object:
        if self._proposer.next_number == 2 and not read_additions(self.writer._database, self.study.study_id):
            sweep("add", self.study.name, "quality=0.33", "batch_size=8")
            self.take_additions(self.writer.read_additions())
        return ask(self, *arguments)  # type: ignore[arg-type]

    ask = StudyDriver.ask
    monkeypatch.setattr(StudyDriver, "ask", add_at_trial_2)
    whole = launch_toy(num_trials=6, study="whole").study
    launch_toy(num_trials=2, study="cut")
    with time_is_up(after_rounds=13):
        resume("cut", {"num_trials": 6, "timeout_seconds": 1.0})
    assert figures(resume("cut").study) == figures(whole)
    assert len(whole.table()) == 7
    (added,) = [trial for trial in whole.table() if "added" in trial.attributes]
    assert (added.number, added.params["quality"], added.params["batch_size"]) == (2, 0.33, 8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("quality=0.95",),
            "quality=0.95 lies outside the space of s, which has 0.2 … 0.9. To search there, too: ",
        ),
        (
            ("batch_size=64",),
            "which has 1 | 8 | 32. To search there, too: sweep branch s batch_size=1,8,32,64",
        ),
        (("qualty=0.5",), "s has no parameter 'qualty'; did you mean 'quality'? It has: quality, "),
        (
            ("learning_rate=0.5",),
            "learning_rate is not searched in s. It is 0.1 in every trial. To search there",
        ),
        (("quality=nan",), "quality=nan: quality must be a number. The space of s has 0.2 … 0.9."),
        (("batch_size=1.5",), "batch_size: 1.5 is not a whole number."),
        (("behaviour=nosuch",), "behaviour: 'nosuch' is not one of learns, "),
        (("quality=0.3..0.5",), "an added trial has one value for each parameter: quality=VALUE."),
        (("quality=0.3", "quality=0.4"), "quality is given twice"),
        (
            ("batch_size=1", "batch_norm=true"),
            "batch_norm: its condition does not hold with the other values.",
        ),
    ],
)
def test_what_lies_outside_the_space_is_not_added(
    launch: Sweep, refused: Refusal, words: tuple[str, ...], message: str
) -> None:
    launch("-n", "1", "--study", "s")
    assert message in refused("add", "s", *words)
    assert read_additions(load("s").database, load("s").row.study_id) == []


def test_the_remedy_for_a_value_outside_the_space_runs(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "2", "--study", "s")
    remedy = (
        sweep("add", "s", "quality=0.95", code=2).err.partition("To search there, too: sweep ")[2].split()
    )
    sweep(*remedy, "-n", "1", "--study", "wider")
    assert load("wider").spec.space["quality"].domain.contains(0.95)
    assert len(load("wider").spec.observations) == 2


def test_an_added_configuration_of_repeats_is_trained_as_often_as_the_others(
    launch_toy: ToyLauncher, sweep: Sweep
) -> None:
    launch_toy(num_trials=2, repeats=2, study="s")
    sweep("add", "s", "quality=0.8")
    table = resume("s").study.table()
    assert [trial.params["quality"] for trial in table[4:]] == [0.8, 0.8]
    assert [trial.attributes["configuration"] for trial in table] == [0, 0, 1, 1, 2, 2]
