"""Optuna's PED-ANOVA without its random forests: scikit-learn takes two seconds to import, and is not needed for it."""

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
    """The shares of the parameters of an Optuna study, which add up to 1, or are all 0 where trials are too few."""
    with _without_forests():
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where trials are few: then all shares are 0
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


@contextmanager
def _without_forests() -> Iterator[None]:
    """`optuna.importance` is imported as on a machine without scikit-learn, which it needs for other methods only.

    Afterwards nobody finds this copy: who imports it then has all methods. Nothing is done where it, or scikit-learn,
    has been imported before.
    """
    if IMPORTANCE in sys.modules or FORESTS in sys.modules:
        yield
        return
    sys.modules[FORESTS] = None  # type: ignore[assignment] # Python's way to say that there is no such module
    try:
        yield
    finally:
        del sys.modules[FORESTS]
        for name in [name for name in sys.modules if name == IMPORTANCE or name.startswith(f"{IMPORTANCE}.")]:
            del sys.modules[name]
