"""Runs Optuna's PED-ANOVA without importing scikit-learn, which takes two seconds and which PED-ANOVA does not use."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

FORESTS = "sklearn.ensemble"
IMPORTANCE = "optuna.importance"


def ped_anova(study: optuna.Study) -> dict[str, float]:
    """The importances of an Optuna study's parameters. They add up to 1, or are all 0 if there are too few trials."""
    with _without_forests():
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with few trials it warns, and all importances are 0
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


@contextmanager
def _without_forests() -> Iterator[None]:
    """Inside the `with` block, `optuna.importance` is imported as on a machine without scikit-learn.

    It needs scikit-learn only for its other methods. Afterwards this copy is removed from `sys.modules`, so that a
    later import has all methods. If either package has been imported before, nothing is changed.
    """
    if IMPORTANCE in sys.modules or FORESTS in sys.modules:
        yield
        return
    sys.modules[FORESTS] = None  # type: ignore[assignment] # None makes its import fail
    try:
        yield
    finally:
        del sys.modules[FORESTS]
        for name in [name for name in sys.modules if name == IMPORTANCE or name.startswith(f"{IMPORTANCE}.")]:
            del sys.modules[name]
