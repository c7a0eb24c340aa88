"""The task of one's own in the documentation: short, and it runs from launch to replay and confirmation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sweeps.best_config.document import read_config
from tests.sweeps_tests.conftest import Sweep

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_is_short_and_the_documentation_has_it_whole() -> None:
    code = (EXAMPLES / "my_task.py").read_text()
    assert len(code.splitlines()) < 40
    assert f"```python\n{code}```" in (EXAMPLES.parent / "docs" / "adding-a-task.md").read_text()


def test_a_package_that_registers_it_makes_it_known_by_name(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "my_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sweeps.tasks]\nmoons = my_package_task:Moons\n")
    shutil.copy(EXAMPLES / "my_task.py", site / "my_package_task.py")
    monkeypatch.syspath_prepend(site)
    assert "moons" in sweep("tasks").out
    space = ("--space", EXAMPLES / "my_space.yaml")
    out = ("--out", tmp_path / "out", "--runner", "inline")
    sweep("launch", "moons", *space, "-n", "2", "--rounds", "2", *out)
    assert read_config(tmp_path / "out" / "best.yaml").task == "moons"
    assert "All 2 rounds are equal" in sweep("replay", tmp_path / "out" / "best.yaml").err


def test_the_example_runs_from_launch_to_replay_and_confirmation(sweep: Sweep, tmp_path: Path) -> None:
    task, space = f"{EXAMPLES / 'my_task.py'}:Moons", EXAMPLES / "my_space.yaml"
    out = ("--out", tmp_path / "out", "--runner", "inline")
    sweep("launch", task, "--space", space, "-n", "4", "--rounds", "5", "--study", "moons", *out)
    assert "All 5 rounds are equal" in sweep("replay", tmp_path / "out" / "best.yaml").err
    said = sweep("confirm", "moons", "--top", "2", "--seeds", "2", "--runner", "inline").err
    assert "for the first time" in said


def test_a_metric_of_a_whole_split_runs_from_launch_to_confirmation(sweep: Sweep, tmp_path: Path) -> None:
    code = (EXAMPLES / "my_task.py").read_text() + (
        "\n\nclass ByPerplexity(Moons):\n"
        "    name, metric, direction, chance_score = 'moons_by_perplexity', 'perplexity', 'minimize', 2.0\n\n"
        "    def split_score(self, outputs, targets):\n"
        "        return nn.functional.cross_entropy(outputs, targets).exp()\n"
    )
    (tmp_path / "task.py").write_text(code)
    task, out = f"{tmp_path / 'task.py'}:ByPerplexity", ("--out", tmp_path / "out", "--runner", "inline")
    space = ("--space", EXAMPLES / "my_space.yaml")
    said = sweep("launch", task, *space, "-n", "2", "--rounds", "3", "--study", "own", *out).err
    assert "minimizes validation perplexity" in said
    assert "rounds are equal; perplexity" in sweep("replay", tmp_path / "out" / "best.yaml").err
    confirmed = sweep("confirm", "own", "--top", "1", "--seeds", "2", "--runner", "inline").err
    assert "Test perplexity of trial" in confirmed
