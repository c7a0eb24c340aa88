"""Completion in the shell: what it offers, and the scripts that switch it on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from sweeps.cli import sweep as group
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep


def offered(*words: str) -> list[str]:
    *before, incomplete = words
    found = ShellComplete(group, {}, "sweep", "_SWEEP_COMPLETE").get_completions(before, incomplete)
    return [item.value for item in found]


def test_studies_of_the_database_are_offered(launch_toy: ToyLauncher) -> None:
    for name in ("one", "other", "third"):
        launch_toy(study=name, num_trials=1)
    assert offered("show", "o") == ["one", "other"]
    assert offered("compare", "one", "th") == ["third"]
    assert offered("report", "--storage", "sqlite:////nowhere/at/all.db", "o") == []
    assert offered("branch", "third", "x") == []


def test_tasks_and_files_and_commands_are_offered() -> None:
    assert offered("launch", "mnist_mlp_") == ["mnist_mlp_online", "mnist_mlp_bn"]
    assert offered("launch", "train.p") == ["train.p"]
    assert offered("repo") == ["report"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_ones_that_the_shell_takes(sweep: Sweep, shell: str, tmp_path: Path) -> None:
    script = sweep("completion", shell).out
    assert "_SWEEP_COMPLETE" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)
