"""A function over a trial: launched, gone on with, replayed and confirmed as a task is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import objectives
import sweeps
from sweeps.best_config.document import read_config
from sweeps.driver.study_driver import StudyDriver
from tests.sweeps_tests.conftest import Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]


def table(sweep: Sweep, study: str) -> list[dict[str, Any]]:
    """What of a study's trials must not depend on how it was run."""
    rows = json.loads(sweep("trials", study, "-f", "json").out)
    return [{name: row[name] for name in row if name not in ("started", "ended", "ahead")} for row in rows]


def test_a_function_runs_from_launch_to_replay_and_confirmation(
    launch_own: Launch, sweep: Sweep, function: Path, tmp_path: Path
) -> None:
    said = launch_own(f"{function}:train", "-n", "4", "--study", "own", "--out", tmp_path / "out").err
    assert "function train in train.py, which imports helper.py; maximizes f1" in said
    assert "All 6 rounds are equal; f1" in sweep("replay", tmp_path / "out" / "best.yaml").err
    confirmed = sweep("confirm", "own", "--top", "2", "--seeds", "2", "--runner", "inline").err
    assert "Test f1 of trial" in confirmed
    assert "for the first time" in confirmed


def test_extra_numbers_are_shown_and_kept(launch_own: Launch, sweep: Sweep, function: Path) -> None:
    launch_own(function, "-n", "1", "--study", "own")
    rounds = json.loads(sweep("show", "own", "0", "-f", "json").out)[0]["rounds_recorded"]
    assert all(each["recall"] > 0 for each in rounds)
    assert "recall" in sweep("show", "own", "0").out
    assert "recall" in sweeps.load("own").rounds().columns


def test_what_the_best_round_saved_is_exported(launch_own: Launch, function: Path, tmp_path: Path) -> None:
    launch_own(function, "-n", "2", "--study", "own", "--out", tmp_path / "out")
    config = read_config(tmp_path / "out" / "best.yaml")
    state = objectives.load_model(tmp_path / "out" / "best.yaml")
    assert state == {"w": config.rounds[config.best_round - 1].extra["recall"]}


def test_what_a_repeat_saved_gives_the_confirmed_figure(
    launch_own: Launch, sweep: Sweep, function: Path, home: Path
) -> None:
    launch_own(function, "-n", "3", "--study", "own")
    sweep("confirm", "own", "--top", "1", "--seeds", "2", "--runner", "inline")
    confirmed = read_config(home / "studies" / "own" / "best.yaml").confirmed
    assert confirmed is not None
    sweep("export", confirmed["study"], "--top", "2", "-o", home / "e.yaml", "--weights", home / "e.pt")
    states = [objectives.load_model(home / name) for name in ("e.yaml", "e-2.yaml")]
    assert sorted(state["w"] / 10 for state in states) == sorted(confirmed["test"]["values"])


@pytest.mark.parametrize("saves", [True, False])
def test_a_trial_that_was_cut_off_ends_as_if_it_had_not_been(
    launch_own: Launch,
    sweep: Sweep,
    function: Path,
    write: Write,
    saves: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not saves:
        write(function.read_text().replace("trial.save(w=w)", "pass"))
    launch_own(function, "-n", "3", "--study", "whole")
    record, seen = StudyDriver.record, []

    def cut_off(driver: StudyDriver, number: int, progress: Any) -> Any:
        seen.append(progress.round.index)
        answer = record(driver, number, progress)
        if len(seen) in (3, 11):
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(StudyDriver, "record", cut_off)
    words = (function, "-n", "3", "--study", "cut", "--runner", "inline", "--checkpoint-every", "0")
    for _ in range(2):
        sweep("launch", *words, code=130)
    sweep("launch", *words)
    assert table(sweep, "cut") == table(sweep, "whole")
    assert "weights" in sweeps.load("cut").trial(0).attributes if saves else seen.count(1) == 5


def test_no_torch_is_imported_for_code_that_does_without(function: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from sweeps.cli import main\n"
        f"try: main(['launch', {str(function)!r}, '-n', '2', '--runner', 'inline', '--out', {str(tmp_path / 'out')!r}])\n"
        "except SystemExit as ended: print(ended.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n"


def test_a_halted_function_ends_its_loop_and_says_why(launch_own: Launch, sweep: Sweep, write: Write) -> None:
    left = write("", "left.txt")
    write(
        f"""
        import math, pathlib, sweeps

        @sweeps.objective(space={{"x": (0.0, 1.0)}}, metric="auc", direction="maximize", rounds=9)
        def train(trial):
            for epoch in trial.rounds():
                trial.report(auc=0.5 + epoch / 100, train_loss=1 / (1 + epoch) if epoch < 3 else math.nan,
                        valid_loss=1 / (1 + epoch))
            pathlib.Path({str(left)!r}).write_text(f"left after {{epoch + 1}}")
        """
    )
    launch_own(left.with_name("train.py"), "-n", "1", "--study", "own")
    assert "diverged" in sweep("show", "own", "0").out
    assert left.read_text() == "left after 4"


def test_a_function_that_only_returns_its_result_has_one_round(
    launch_own: Launch, sweep: Sweep, write: Write
) -> None:
    path = write(
        """
        import sweeps

        @sweeps.objective(space={"x": (0.0, 1.0)}, metric="rmse", direction="minimize")
        def train(trial):
            return {"rmse": abs(trial.params["x"] - 0.3), "rows": 7}
        """
    )
    launch_own(path, "-n", "12", "--study", "own")
    assert sweeps.load("own").best().value < 0.1
    assert "All 1 rounds are equal" in sweep("replay", sweeps.load("own").best_path).err


def test_a_framework_that_owns_its_loop_is_told_when_to_stop(launch_own: Launch, write: Write) -> None:
    path = write(
        """
        import sweeps

        @sweeps.objective(space={"x": (0.0, 1.0)}, metric="loss", direction="minimize", rounds=3)
        def train(trial):
            trial.restore()
            for step in range(trial.rounds_done, 100):
                trial.save(step=step)
                if trial.report(loss=1 / (step + 1)):
                    break
            assert step == 2, step
        """
    )
    launch_own(path, "-n", "2", "--study", "own")
    assert [trial.state for trial in sweeps.load("own").table()] == ["COMPLETE"] * 2


def test_an_edited_helper_is_refused_by_name_and_marked_where_it_is_forced(
    launch_own: Launch, sweep: Sweep, function: Path, tmp_path: Path
) -> None:
    launch_own(function, "-n", "1", "--study", "own", "--out", tmp_path / "out")
    helper = function.with_name("helper.py")
    helper.write_text(helper.read_text().replace("50", "60"))
    refused = sweep("resume", "own", "-n", "2", code=2).err
    assert "task.code.helper.py" in refused
    assert "--force" in refused
    forced = sweep("resume", "own", "-n", "2", "--force").err
    assert "trial 1 (helper.py: has changed)" in forced
    replayed = sweep("replay", tmp_path / "out" / "best.yaml", "--tolerance", "0", code=1).err
    assert "helper.py: has changed" in replayed


def test_a_fault_is_shown_with_the_users_own_traceback(
    launch_own: Launch, sweep: Sweep, write: Write
) -> None:
    path = write(
        """
        import sweeps

        @sweeps.objective(space={"x": (0.0, 1.0)}, metric="loss", direction="minimize", rounds=3)
        def train(trial):
            for epoch in trial.rounds():
                raise RuntimeError("shapes (3, 4) and (5, 6) don't fit")
        """
    )
    said = launch_own(path, "--study", "own", code=3).err
    assert "sweep show own 2" in said
    shown = sweep("show", "own", "0").out
    assert "RuntimeError: shapes (3, 4)" in shown
    assert f'File "{path}", line 7, in train' in shown
    assert "/sweeps/" not in shown.partition("Traceback")[2]
