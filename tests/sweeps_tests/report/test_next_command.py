"""An advice becomes a command, which is run here in the state in which it is named."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sweeps.study.stored_study import load
from tests.sweeps_tests.conftest import Sweep
from tests.sweeps_tests.report.scripted import SCRIPTED


@pytest.fixture
def spoilt(tmp_path: Path, sweep: Sweep) -> None:
    """A study whose trials are spoilt above a learning rate of 0.04."""
    space = tmp_path / "space.yaml"
    space.write_text("space:\n  fault: spoilt\n  learning_rate: {low: 0.008, high: 1.0, log: true}\n")
    sweep(
        *("launch", SCRIPTED, "--space", space, "--runner", "inline", "-n", "12", "--study", "s"),
        *("--max-failures", "99", "--rounds", "6"),
    )


def test_lower_learning_rate_becomes_a_branch_in_each_command_that_advises_it(
    spoilt: None, sweep: Sweep
) -> None:
    rates = {trial.number: trial.params["learning_rate"] for trial in load("s").table()}
    bad = next(number for number, rate in rates.items() if rate > 0.04)
    shown = sweep("show", "s", str(bad)).out
    assert "advice      Lower learning_rate" in shown
    said = {
        "diagnose": sweep("diagnose", "s").err.partition("  Next: ")[2],
        "show": shown.partition("next        ")[2],
        "review": sweep("review", "s").out.partition("have no usable result")[2].partition("   Next: ")[2],
    }
    for name, text in said.items():
        words = shlex.split(text.splitlines()[0])
        assert words[:3] == ["sweep", "branch", "s"], name
        assert words[3].startswith("learning_rate=")
        assert words[3].endswith(":log")
        sweep(*words[1:], "-n", "1", "--study", name)
        branched = load(name)
        assert branched.spec.observations
        assert branched.spec.space["learning_rate"].domain.high < max(rates.values())


def test_where_no_old_trial_fits_the_study_is_launched_anew(tmp_path: Path, sweep: Sweep) -> None:
    code = tmp_path / "train.py"
    code.write_text(
        "import sweeps\n\n\n@sweeps.objective(space={'lr': sweeps.log(1.0, 9.0)}, metric='f1', direction='maximize', "
        "rounds=4)\ndef train(trial):\n    for k in trial.rounds():\n        nan = float('nan')\n"
        "        trial.report(f1=0.5 if k < 2 else nan, valid_loss=1.0 if k < 2 else nan, train_loss=1.0 if k < 2 else nan)\n"
    )
    sweep("launch", code, "--runner", "inline", "-n", "3", "--study", "s", "--max-failures", "9")
    command = sweep("diagnose", "s").err.partition("  Next: ")[2].splitlines()[0]
    assert command.startswith(f"sweep launch {code}:train lr=")
    sweep(*shlex.split(command)[1:], "--runner", "inline", "--dry-run")
