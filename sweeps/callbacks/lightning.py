"""The callback for Lightning. Each training epoch with a validation is a round."""

from __future__ import annotations

import tempfile
from pathlib import Path

import lightning

from sweeps.own_code.trial import Trial


class LightningCallback(lightning.Callback):  # type: ignore[misc]
    """Use it as `Trainer(callbacks=[callback]).fit(module, …, ckpt_path=callback.checkpoint)`, in one process.

    Everything that the module logs for an epoch is reported under its name. An interrupted trial continues exactly,
    from Lightning's own checkpoint.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._folder = tempfile.TemporaryDirectory(prefix="sweep-")
        self._file = Path(self._folder.name) / "trial.ckpt"
        self._is_validated = False

    @property
    def checkpoint(self) -> str | None:
        """The file from which to continue; None if the trial starts at its first round."""
        state = self._trial.restore()
        if state is None:
            return None
        self._file.write_bytes(state["checkpoint"])
        return str(self._file)

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Restore the random generators before the first batches are drawn."""
        self._trial.restore_random()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Note that this epoch has validation figures."""
        self._is_validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Report the epoch, and end the training if the trial is halted."""
        if trainer.enable_validation and not self._is_validated:
            return
        self._is_validated = False
        figures = {name: value.item() for name, value in trainer.callback_metrics.items()}
        if self._trial.keeps(figures):
            trainer.save_checkpoint(self._file)
            self._trial.save(model=pl_module, checkpoint=self._file.read_bytes())
        if self._trial.report(figures):
            trainer.should_stop = True
