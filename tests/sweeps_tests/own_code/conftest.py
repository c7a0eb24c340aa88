"""Somebody's own code: files written for a test, launched in this process."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sweeps_tests.conftest import Said, Sweep

FUNCTION = """
    import random
    import sweeps
    from helper import gain

    @sweeps.objective(
        space={"lr": sweeps.log(1e-4, 1e-1), "width": sweeps.integer(1, 9), "kind": ["a", "b"]},
        metric="f1", direction="maximize", rounds=6,
    )
    def train(trial):
        state = trial.restore() or {"w": 0.0}
        w = state["w"]
        for epoch in trial.rounds():
            w += gain(trial.params["lr"], trial.params["width"]) + 0.01 * random.random()
            trial.report(f1=w / (1 + w), valid_loss=1 / (1 + w), train_loss=0.9 / (1 + w), recall=w)
            trial.save(w=w)

    @train.test
    def test(trial):
        return trial.restore()["w"] / 10
"""
HELPER = "def gain(lr, width):\n    return lr + width / 50\n"
OBJECTIVE = """
    import optuna

    def objective(trial):
        kind = trial.suggest_categorical("kind", ["line", "curve"])
        x = trial.suggest_float("x", -10, 10)
        scale = trial.suggest_float("scale", 1e-3, 1, log=True) if kind == "curve" else 1.0
        count = trial.suggest_int("count", 1, 5) if x > 0 else 0
        trial.set_user_attr("count", count)
        value = 0.0
        for step in range(4):
            value = (x - 2) ** 2 * scale + count + 5 / (step + 1)
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return value

    if __name__ == "__main__":
        study = optuna.create_study(direction="minimize")
        study.optimize(objective, n_trials=20)
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of code; returns its path."""

    def write_it(text: str, name: str = "train.py") -> Path:
        path = tmp_path / "code" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write_it


@pytest.fixture
def function(write: Write) -> Path:
    """A training function that imports a module beside it."""
    write(HELPER, "helper.py")
    return write(FUNCTION)


@pytest.fixture
def objective(write: Write) -> Path:
    """An Optuna objective with a conditional space."""
    return write(OBJECTIVE, "study.py")


@pytest.fixture
def launch_own(sweep: Sweep, tmp_path: Path) -> Callable[..., Said]:
    """Launches code in this process."""

    def run(*words: str | Path, code: int = 0) -> Said:
        return sweep("launch", *words, "--runner", "inline", code=code)

    return run
