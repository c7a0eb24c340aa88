"""The task of one's own in the documentation: short, and it runs from launch to replay and confirmation."""

from __future__ import annotations

from pathlib import Path

from tests.sweeps_tests.conftest import Sweep

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_is_short() -> None:
    lines = (EXAMPLES / "my_task.py").read_text().splitlines()
    assert sum(1 for line in lines if line.strip() and not line.startswith(("from", "import", '"""'))) < 40


def test_the_example_runs_from_launch_to_replay_and_confirmation(sweep: Sweep, tmp_path: Path) -> None:
    task, space = f"{EXAMPLES / 'my_task.py'}:Moons", EXAMPLES / "my_space.yaml"
    out = ("--out", tmp_path / "out", "--runner", "inline")
    sweep("launch", task, "--space", space, "-n", "4", "--rounds", "5", "--study", "moons", *out)
    assert "All 5 rounds equal" in sweep("replay", tmp_path / "out" / "best.yaml").err
    said = sweep("confirm", "moons", "--top", "2", "--seeds", "2", "--runner", "inline").err
    assert "the first look at it" in said
