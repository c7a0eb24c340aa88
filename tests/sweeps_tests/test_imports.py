"""What each process imports: seconds of every start, and of every worker."""

from __future__ import annotations

import pytest

from tests.objectives_tests.test_imports import modules_after


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("sweeps.sweep", {"torch", "ray", "scipy.stats", "pandas", "matplotlib"}),
        ("sweeps.runners.ray_tune.slot", {"torch", "scipy.stats", "optuna", "sqlalchemy"}),
        ("sweeps.runners.ray_tune.mailbox", {"torch", "scipy.stats", "optuna", "sqlalchemy", "ray", "numpy"}),
        ("sweeps.runners.worker", {"torch", "ray", "scipy.stats", "optuna", "sqlalchemy"}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_process_does_not_import_what_it_does_not_use(module: str, unused: set[str]) -> None:
    loaded = modules_after(f"import {module}")
    assert module in loaded
    assert not loaded & unused
