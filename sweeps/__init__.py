"""Reproducible hyperparameter sweeps: Optuna studies on Ray Tune workers.

import sweeps

result = sweeps.launch("mnist_mlp", data="mnist-5k", num_trials=8)
result.study.best(), result.study.trials(), result.study.rounds()
study = sweeps.load("mnist_mlp-1a2b3c4d")

`OverfittingPruner` and `report_round` bring the stop rule `onset` into a user's own Optuna study.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search_spaces.in_code import choice as choice
    from search_spaces.in_code import integer as integer
    from search_spaces.in_code import log as log
    from search_spaces.in_code import number as number
    from search_spaces.in_code import when as when
    from sweeps.own_code.by_hand import run as run
    from sweeps.own_code.objective import objective as objective
    from sweeps.own_code.trial import Trial as Trial
    from sweeps.pruning.pruner import OverfittingPruner as OverfittingPruner
    from sweeps.pruning.pruner import report_round as report_round
    from sweeps.python_api import launch as launch
    from sweeps.python_api import resume as resume
    from sweeps.settings import RunSettings as RunSettings
    from sweeps.settings import StudySettings as StudySettings
    from sweeps.study.stored_study import Study as Study
    from sweeps.study.stored_study import load as load
    from sweeps.sweep import Result as Result

_HOMES = {
    **dict.fromkeys(("choice", "integer", "log", "number", "when"), "search_spaces.in_code"),
    "objective": "sweeps.own_code.objective",
    "run": "sweeps.own_code.by_hand",
    "Trial": "sweeps.own_code.trial",
    "OverfittingPruner": "sweeps.pruning.pruner",
    "report_round": "sweeps.pruning.pruner",
    "Result": "sweeps.sweep",
    "launch": "sweeps.python_api",
    "resume": "sweeps.python_api",
    "RunSettings": "sweeps.settings",
    "StudySettings": "sweeps.settings",
    "Study": "sweeps.study.stored_study",
    "load": "sweeps.study.stored_study",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used, because `sweep --help` needs none of them."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
