"""The callback for LightGBM. Each boosting iteration is a round."""

from __future__ import annotations

from typing import Any

import lightgbm

from sweeps.callbacks.boosting import boosting_figures
from sweeps.own_code.trial import Trial


class LightGBMCallback:
    """Use it as `lightgbm.train(…, valid_sets=[…], valid_names=["train", "valid"], callbacks=[callback])`.

    It also works with LGBMClassifier and LGBMRegressor. A metric's name is made of data set and evaluation, such as
    `valid-binary_logloss`. The booster is saved as text, under the name `model`. An interrupted trial starts again from
    its first tree, because the booster does not contain the state of its random sampling.
    """

    order = 15  # after the callbacks that log and record, before early stopping

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __call__(self, env: Any) -> None:
        """Report the iteration. Raises LightGBM's EarlyStopException if the trial is halted."""
        latest = {(data, name): value for data, name, value, *_ in env.evaluation_result_list or ()}
        figures = boosting_figures(latest, self._trial.metric)
        if self._trial.keeps(figures, continues=False):
            self._trial.save(model=env.model.model_to_string())
        if self._trial.report(figures):
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)
