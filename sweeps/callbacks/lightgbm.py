"""LightGBM: each boosted tree is a round."""

from __future__ import annotations

from typing import Any

import lightgbm

from sweeps.callbacks.boosting import boosting_figures
from sweeps.own_code.trial import Trial


class LightGBMCallback:
    """`lightgbm.train(…, valid_sets=[…], valid_names=["train", "valid"], callbacks=[callback])`; `LGBMRegressor`, too.

    The metric is called by data set and name, as `valid-binary_logloss`. What is saved is `model`, the booster as text.
    A trial that was cut off starts again from its first tree: the booster does not hold the state of its sampling.
    """

    order = 15  # after the callbacks that log and record, before early stopping

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __call__(self, env: Any) -> None:
        """Report the iteration. Raises LightGBM's EarlyStopException where the trial is halted."""
        latest = {(data, name): value for data, name, value, *_ in env.evaluation_result_list or ()}
        figures = boosting_figures(latest, self._trial.metric)
        if self._trial.keeps(figures):
            self._trial.save(model=env.model.model_to_string())
        if self._trial.report(figures):
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)
