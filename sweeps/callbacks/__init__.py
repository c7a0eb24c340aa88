"""Callbacks that report to a trial from a framework with its own training loop. There is one for each framework.

    from sweeps.callbacks import LightningCallback

A callback receives the trial. It reports the figures that the framework has logged, saves the state of the best round,
and ends the training if the trial is halted. A library is imported only when its callback is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.callbacks.keras import KerasCallback as KerasCallback
    from sweeps.callbacks.lightgbm import LightGBMCallback as LightGBMCallback
    from sweeps.callbacks.lightning import LightningCallback as LightningCallback
    from sweeps.callbacks.transformers import TransformersCallback as TransformersCallback
    from sweeps.callbacks.xgboost import XGBoostCallback as XGBoostCallback

_HOMES = {
    "KerasCallback": "keras",
    "LightGBMCallback": "lightgbm",
    "LightningCallback": "lightning",
    "TransformersCallback": "transformers",
    "XGBoostCallback": "xgboost",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """A callback, imported when it is first used. Raises ImportError if its library is not installed."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has {', '.join(__all__)}.")
    library = _HOMES[name]
    try:
        return getattr(importlib.import_module(f"{__name__}.{library}"), name)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise ImportError(
            f"{name} needs {library}, which is not installed here: pip install 'onset-sweeps[{library}]'."
        ) from error
