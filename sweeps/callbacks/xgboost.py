"""The callback for XGBoost. Each boosting iteration is a round."""

from __future__ import annotations

from typing import Any

import xgboost

from sweeps.callbacks.boosting import boosting_figures
from sweeps.own_code.trial import Trial


class XGBoostCallback(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Use it as `xgboost.train(…, evals=[(…, "train"), (…, "valid")], callbacks=[callback])`.

    It also works with XGBClassifier and XGBRegressor. A metric's name is made of data set and evaluation, such as
    `valid-logloss`. The booster is saved as bytes, under the name `model`. An interrupted trial starts again from its
    first tree, because the booster does not contain the state of its random sampling.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Report the iteration; returns whether to stop."""
        latest = {
            (data, name): values[-1] for data, logged in evals_log.items() for name, values in logged.items()
        }
        figures = boosting_figures(latest, self._trial.metric)
        if self._trial.keeps(figures, continues=False):
            self._trial.save(model=bytes(model.save_raw()))
        return self._trial.report(figures)
