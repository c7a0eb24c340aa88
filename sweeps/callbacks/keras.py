"""Keras: each epoch is a round."""

from __future__ import annotations

from typing import Any

import keras

from sweeps.own_code.trial import Trial


class KerasCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """`model.fit(…, callbacks=[callback], initial_epoch=callback.initial_epoch)`.

    All that Keras logs for an epoch is reported (`loss`, `val_loss`, …). A trial that was cut off continues exactly,
    from the model's and the optimizer's variables, unless another callback has a state of its own.
    """

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self._trial = trial
        self._saved: dict[str, Any] | None = None

    @property
    def initial_epoch(self) -> int:
        """The epoch to continue from; 0 where the trial begins."""
        self._saved = self._trial.restore()
        return self._trial.rounds_done

    def on_train_begin(self, logs: Any = None) -> None:
        """Give the model the state to continue from, before the first batches are drawn."""
        if self._saved is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variables, values in zip(self._variables(), self._saved["variables"], strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._trial.restore_random()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the epoch, and end the training where the trial is halted."""
        if self._trial.keeps(logs):
            variables = [[keras.ops.convert_to_numpy(each) for each in group] for group in self._variables()]
            self._trial.save(weights=self.model.get_weights(), variables=variables)
        if self._trial.report(logs):
            self.model.stop_training = True

    def _variables(self) -> list[list[Any]]:
        """Of the model (the states of its random layers, too) and of its optimizer."""
        return [self.model.variables, self.model.optimizer.variables]
