"""The callback for Keras. Each epoch is a round."""

from __future__ import annotations

from typing import Any

import keras

from sweeps.own_code.trial import Trial


class KerasCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Use it as `model.fit(…, callbacks=[callback], initial_epoch=callback.initial_epoch)`.

    Everything that Keras logs for an epoch is reported (`loss`, `val_loss`, …). An interrupted trial continues exactly,
    from the variables of the model and the optimizer, unless another callback has its own state.
    """

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self._trial = trial
        self._saved: dict[str, Any] | None = None

    @property
    def initial_epoch(self) -> int:
        """The epoch from which to continue; 0 if the trial starts at its first epoch."""
        self._saved = self._trial.restore()
        return self._trial.rounds_done

    def on_train_begin(self, logs: Any = None) -> None:
        """Load the saved state into the model before the first batches are drawn."""
        if self._saved is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variables, values in zip(self._variables(), self._saved["variables"], strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._trial.restore_random()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the epoch, and end the training if the trial is halted."""
        if self._trial.keeps(logs):
            variables = [[keras.ops.convert_to_numpy(each) for each in group] for group in self._variables()]
            self._trial.save(weights=self.model.get_weights(), variables=variables)
        if self._trial.report(logs):
            self.model.stop_training = True

    def _variables(self) -> list[list[Any]]:
        """The variables of the model (with the states of its random layers), and those of its optimizer."""
        return [self.model.variables, self.model.optimizer.variables]
