"""XGBoost: each boosted tree is a round."""

from __future__ import annotations

from typing import Any

import xgboost

from sweeps.callbacks.boosting import boosting_figures
from sweeps.own_code.trial import Trial


class XGBoostCallback(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """`xgboost.train(…, evals=[(…, "train"), (…, "valid")], callbacks=[callback])`; also with `XGBClassifier`.

    The metric is called by data set and name, as `valid-logloss`. What is saved is `model`, the bytes of the booster.
    A trial that was cut off starts again from its first tree: the booster does not hold the state of its sampling.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Report the iteration; returns whether to stop."""
        latest = {
            (data, name): values[-1] for data, logged in evals_log.items() for name, values in logged.items()
        }
        figures = boosting_figures(latest, self._trial.metric)
        if self._trial.keeps(figures):
            self._trial.save(model=bytes(model.save_raw()))
        return self._trial.report(figures)
