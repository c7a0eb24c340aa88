"""Code that a configuration from outside names is run only if it was launched here before, or is trusted."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import objectives
from objectives.errors import UntrustedCodeError
from sweeps.best_config.document import read_config
from tests.sweeps_tests.conftest import Refusal, Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def best(launch_own: Launch, function: Path, tmp_path: Path) -> Path:
    """What a launch of the function has written."""
    launch_own(function, "-n", "2", "--study", "own", "--out", tmp_path / "out")
    return tmp_path / "out" / "best.yaml"


def test_code_that_was_launched_here_is_replayed_without_a_question(best: Path, sweep: Sweep) -> None:
    assert "All 6 rounds are equal" in sweep("replay", best).err


def test_code_that_was_never_launched_here_is_refused_with_the_command_that_trusts_it(
    best: Path,
    sweep: Sweep,
    refused: Refusal,
    function: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SWEEP_HOME", str(tmp_path / "of-another-user"))
    said = refused("replay", best)
    assert f"it names the code {function}, which would be run. This code was never launched here" in said
    command = said.partition("if you trust it: ")[2].strip()
    assert command == f"sweep replay {best} --trust"
    assert "All 6 rounds are equal" in sweep(*shlex.split(command)[1:]).err


@pytest.mark.parametrize("edited", ["train.py", "helper.py"])
def test_code_that_was_edited_is_asked_for_again(
    edited: str, best: Path, sweep: Sweep, function: Path
) -> None:
    path = function.with_name(edited)
    path.write_text(path.read_text() + "\nOTHER = 1\n")
    said = sweep("replay", best, code=2).err
    assert f"{edited} has changed since the recorded training" in said
    assert "Look at it" in said
    said = sweep("replay", best, "--trust").err
    assert f"code of {edited}" in said or edited in said


@pytest.mark.parametrize("reference", ["{0}", "{0}:train", "{0}:Evil"])
@pytest.mark.parametrize("with_rows", [False, True])
def test_nothing_of_foreign_code_is_run_before_it_is_trusted(
    reference: str, with_rows: bool, best: Path, write: Write, refused: Refusal, tmp_path: Path
) -> None:
    evil = write(f"open({str(tmp_path / 'was-here')!r}, 'w')\n", "evil.py")
    text = best.read_text().replace(read_config(best).task, reference.format(evil))
    rows = "example_rows: {shape: [2], dtype: float32, target_dtype: int64}"
    best.write_text(text.replace("example_rows: null", rows) if with_rows else text)
    assert "which would be run" in refused("replay", best)
    if with_rows and ":" in reference:
        with pytest.raises(UntrustedCodeError, match=r"call load_model\(…, trust=True\)"):
            objectives.load_model(best)
    assert not (tmp_path / "was-here").exists()


def test_a_task_class_of_a_users_own_is_loaded_where_it_was_launched(
    launch_own: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, space = f"{EXAMPLES / 'my_task.py'}:Moons", ("--space", EXAMPLES / "my_space.yaml")
    launch_own(task, *space, "-n", "2", "--rounds", "2", "--out", tmp_path / "out")
    best = tmp_path / "out" / "best.yaml"
    assert objectives.load_model(best).task.name == "moons"
    monkeypatch.setenv("SWEEP_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(UntrustedCodeError, match=r"best\.yaml: it names the code .*my_task\.py"):
        objectives.load_model(best)
    assert objectives.load_model(best, trust=True).task.name == "moons"


def test_a_home_that_can_not_be_written_only_means_that_one_is_asked(
    launch_own: Launch, sweep: Sweep, function: Path, tmp_path: Path, home: Path
) -> None:
    home.mkdir()
    (home / "known_code.txt").mkdir()  # no file can be there
    launch_own(function, "-n", "1", "--study", "own", "--out", tmp_path / "out")
    sweep("replay", tmp_path / "out" / "best.yaml", code=2)
    sweep("replay", tmp_path / "out" / "best.yaml", "--trust")
