"""Commands import nothing heavy that they don't use: asking for help costs no seconds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.sweeps_tests.conftest import Sweep

HEAVY = ["torch", "ray", "optuna", "pandas", "sklearn", "optuna_dashboard", "ruamel", "rich"]
IMPORTED = f"""
import atexit, json, sys
atexit.register(lambda: print(json.dumps([name for name in {HEAVY} if name in sys.modules]), file=sys.stderr))
from sweeps.cli import main
main()
"""


def heavy_imports(*words: str) -> list[str]:
    """What a fresh process had imported by the time it had answered."""
    command = [sys.executable, "-c", IMPORTED, *words]
    answered = subprocess.run(command, capture_output=True, text=True, check=True)
    heavy: list[str] = json.loads(answered.stderr.splitlines()[-1])
    return heavy


@pytest.mark.parametrize("words", ["--help", "tasks", "launch --help"])
def test_asking_what_there_is_imports_nothing_heavy(words: str) -> None:
    assert heavy_imports(*words.split()) == []


def test_reading_a_study_imports_nothing_heavy(launch: Sweep) -> None:
    launch("-n", "1", "--study", "s")
    for words in ("status", "status s -f json", "trials s", "trials s -f csv", "best s", "show s 0"):
        assert heavy_imports(*words.split()) == [], words
