"""Optuna's own examples run as they stand, with one table after a kill, too.

Four workers are tried in `test_optuna_objectives.py`, on an objective of the same structure.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

import sweeps
from tests.conftest import missing
from tests.sweeps_tests.conftest import Sweep
from tests.sweeps_tests.own_code.test_functions import table

EXAMPLES = Path(__file__).parents[3] / "examples" / "optuna"
CONDITIONAL = EXAMPLES / "sklearn_conditional.py"
INLINE = ("--runner", "inline")


@pytest.mark.parametrize("name", ["pytorch_simple", "sklearn_conditional", "lightgbm_simple"])
def test_each_runs_unedited_from_launch_to_replay_and_confirmation(
    name: str, sweep: Sweep, tmp_path: Path
) -> None:
    if name.startswith("lightgbm") and importlib.util.find_spec("lightgbm") is None:
        missing("lightgbm", "lightgbm is not installed (the extra 'lightgbm' has it)")
    out = tmp_path / "out"
    said = sweep("launch", EXAMPLES / f"{name}.py", "-n", "5", "--study", "own", "--out", out, *INLINE).err
    assert "maximizes value" in said  # read from the file's create_study
    assert "rounds are equal" in sweep("replay", out / "best.yaml").err
    assert "There is no test split" in sweep("confirm", "own", "--top", "1", "--seeds", "2", *INLINE).err


def test_a_driver_that_is_killed_gives_the_table_of_one_that_is_not(sweep: Sweep) -> None:
    sweep("launch", CONDITIONAL, "-n", "14", "--study", "whole", *INLINE)
    words = ["launch", str(CONDITIONAL), "-n", "14", "--study", "killed", *INLINE]
    command = [sys.executable, "-c", "from sweeps.cli import main; main()", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as driver:
        assert driver.stderr is not None
        assert any(line.startswith("[") and " 4/14 " in line for line in driver.stderr)
        driver.send_signal(signal.SIGKILL)
    assert len(sweeps.load("killed").table()) < 14
    sweep(*words)
    assert table(sweep, "killed") == table(sweep, "whole")


def test_in_plain_optuna_the_next_trial_depends_on_which_worker_was_faster() -> None:
    """What makes `n_jobs=2` give another table each time (`python -m benchmarks.optuna_n_jobs`), without a clock."""

    def third_trial(first_to_end: int) -> float:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=1))
        trials = [study.ask(), study.ask()]
        values = [trial.suggest_float("x", 0, 1) for trial in trials]
        study.tell(trials[first_to_end], (values[first_to_end] - 0.3) ** 2)
        return study.ask().suggest_float("x", 0, 1)

    assert third_trial(0) != third_trial(1)
