"""Listing tasks is instant: nothing imports torch until a model is built."""

from __future__ import annotations

import subprocess
import sys

import pytest


def modules_after(code: str) -> set[str]:
    """The modules that a fresh Python holds after running `code`."""
    code = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_listing_tasks_imports_no_torch() -> None:
    loaded = modules_after(
        "import objectives, objectives.registry\n"
        "from objectives.parameters.kinds import parameter_kinds\n"
        "for task in objectives.registry.all_tasks():\n"
        "    task.parameters_from({}), parameter_kinds(task.Parameters), task.published\n"
    )
    assert "objectives.tasks.mnist_mlp" in loaded
    assert not loaded & {"torch", "numpy", "optuna", "sqlalchemy", "ray", "storage", "sweeps"}


def test_the_training_loop_knows_neither_optuna_nor_a_database() -> None:
    loaded = modules_after(
        "import objectives.training.loop, objectives.checkpoints.weights, objectives.datasets.mnist"
    )
    assert "torch" in loaded
    assert not loaded & {"optuna", "sqlalchemy", "ray", "storage", "search_spaces", "sweeps"}


TRAINED = """
from objectives.training.loop import make_deterministic
from tests.objectives_tests.small_data import start
make_deterministic(threads=1)
for name in ("sgd", "momentum", "adam", "adamw", "rmsprop"):
    run = start(optimizer=name)
    run.advance()
    run.load_state_dict(run.state_dict())
    run.advance()
"""


def test_training_does_not_import_torchs_compiler() -> None:
    loaded = modules_after(TRAINED)
    assert "torch.optim" in loaded
    assert not loaded & {"torch._dynamo", "torch._inductor", "sympy"}


@pytest.mark.parametrize("is_there_before", [True, False])
def test_a_compiler_that_a_task_imports_makes_deterministic_choices(is_there_before: bool) -> None:
    lines = ["import torch._inductor.config", "from objectives.training.loop import make_deterministic"]
    lines = (
        [*lines, "make_deterministic(1)"]
        if is_there_before
        else [lines[1], "make_deterministic(1)", lines[0]]
    )
    code = "; ".join([*lines, "import torch; print(torch._inductor.config.deterministic)"])
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "True\n"
