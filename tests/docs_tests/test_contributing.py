"""CONTRIBUTING is true: what its table says to write is enough to add a sampler, a stop rule, a task and a command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TOY, TOY_SPACE

ROOT = Path(__file__).parents[2]
PACKAGES = ("sweeps", "objectives", "search_spaces", "storage")
TOY_WORDS = ["launch", TOY, "--space", str(TOY_SPACE), "--runner", "inline", "-n", "2", "--study", "s"]
SHOWN = ["trials", "s", "-f", "json"]

SAMPLER = """def _uniform(seed: int, startup_trials: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: dict"""
STOP_RULE = """from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.rule import StopRule
from sweeps.trial.verdict import Stop


class TwoRounds(StopRule):
    def verdict(self, number: int, curve: Curve) -> Stop | None:
        return Stop("plateau", len(curve), {}, "two rounds are enough") if len(curve) == 2 else None
"""
COMMAND = '''import click


@click.command()
@click.argument("word")
def shout(word: str) -> None:
    """Say WORD aloud."""
    click.echo(word.upper())
'''


@dataclass(frozen=True)
class Addition:
    """What a row of the table tells to do. new: files by path. edits: in a file, a line that is replaced by others.

    words: of the commands that then work, of which the last must print `printed`.
    """

    row: str
    new: dict[str, str]
    edits: dict[str, list[tuple[str, str]]]
    words: list[list[str]]
    printed: str


ADDITIONS = [
    Addition(
        "a sampler",
        {},
        {
            "sweeps/samplers/by_name.py": [
                ("SAMPLERS: dict", SAMPLER),
                (
                    '    "qmc": Sampler(None),\n',
                    '    "qmc": Sampler(None),\n    "uniform": Sampler(_uniform),\n',
                ),
            ]
        },
        [[*TOY_WORDS, "--sampler", "uniform"], SHOWN],
        '"stop_reason": "finished"',
    ),
    Addition(
        "a stop rule",
        {"sweeps/pruning/two_rounds.py": STOP_RULE},
        {
            "sweeps/pruning/rules.py": [
                ("RULES = {\n", 'RULES = {\n    "two": "sweeps.pruning.two_rounds:TwoRounds",\n')
            ]
        },
        [[*TOY_WORDS, "--stop-rule", "two"], SHOWN],
        '"because": "two rounds are enough"',
    ),
    Addition(
        "a task",
        {
            "objectives/tasks/moons.py": (ROOT / "examples" / "my_task.py").read_text(),
            "search_spaces/moons.yaml": (ROOT / "examples" / "my_space.yaml").read_text(),
        },
        {
            "objectives/registry.py": [
                ("BUILT_IN = {\n", 'BUILT_IN = {\n    "moons": "objectives.tasks.moons:Moons",\n')
            ]
        },
        [["launch", "moons", "--rounds", "1", "-n", "1", "--runner", "inline", "--study", "s"], SHOWN],
        '"stop_reason": "finished"',
    ),
    Addition(
        "a command",
        {"sweeps/cli/shouting.py": COMMAND},
        {
            "sweeps/cli/__init__.py": [
                (
                    "from sweeps.cli.help import",
                    "from sweeps.cli import shouting\nfrom sweeps.cli.help import",
                ),
                ("    reading.tasks,\n", "    reading.tasks,\n    shouting.shout,\n"),
            ]
        },
        [["shout", "done"]],
        "DONE",
    ),
]


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.row)
def test_what_the_table_says_is_enough_to_add(addition: Addition, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in addition.new.items():
        (tree / path).write_text(content)
    for path, edits in addition.edits.items():
        for old, new in edits:
            _replace(tree / path, old, new)
    printed = [_said(tree, words) for words in addition.words][-1]
    assert addition.printed in printed


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.row)
def test_the_table_names_each_file(addition: Addition) -> None:
    (row,) = (
        line
        for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()
        if line.startswith(f"| {addition.row} |")
    )
    for path in addition.edits:
        assert f"`{path}`" in row
    for path in addition.new:
        assert f"`{Path(path).parent}/`" in row


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def _said(tree: Path, words: list[str]) -> str:
    """What a command of that tree prints; rows of JSON in one line each."""
    done = subprocess.run(
        [sys.executable, "-c", "from sweeps.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tree,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.dumps(json.loads(done.stdout)) if done.stdout.startswith(("[", "{")) else done.stdout
