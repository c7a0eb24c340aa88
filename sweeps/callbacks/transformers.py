"""The callback for Hugging Face's Trainer. Each evaluation is a round."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import transformers

from sweeps.own_code.trial import Trial

_OF_THE_CLOCK = re.compile(r"_(runtime|per_second|time)$")  # times differ when a trial is trained again


class TransformersCallback(transformers.TrainerCallback):  # type: ignore[misc]
    """Use it as `Trainer(…, callbacks=[callback]).train(resume_from_checkpoint=callback.checkpoint)`.

    The figures of the evaluation are reported under their names (`eval_loss`, …), with the loss, the learning rate and
    the gradient norm that were logged last. An interrupted trial continues exactly, from the Trainer's own checkpoint.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._folder = tempfile.TemporaryDirectory(prefix="sweep-")
        self._logged: dict[str, float] = {}
        self._evaluated: dict[str, float] = {}
        self._is_asked_for = False  # whether the Trainer saves only because this callback asked for it

    @property
    def checkpoint(self) -> str | None:
        """The folder from which to continue; None if the trial starts at its first round."""
        state = self._trial.restore()
        if state is None:
            return None
        folder = Path(self._folder.name) / state["name"]
        folder.mkdir(exist_ok=True)
        for name, content in state["checkpoint"].items():
            (folder / name).write_bytes(content)
        return str(folder)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Keep the training figures that were logged."""
        kept = {"loss": "train_loss", "learning_rate": "learning_rate", "grad_norm": "gradient_norm"}
        self._logged |= {kept[name]: value for name, value in (logs or {}).items() if name in kept}

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **others: Any) -> None:
        """Report the evaluation: at once, or after a checkpoint if the state must be kept."""
        if state.global_step == 0 or self._trial.is_over:
            return
        found = {name: value for name, value in (metrics or {}).items() if not _OF_THE_CLOCK.search(name)}
        self._evaluated |= self._logged | found
        if self._trial.metric not in self._evaluated:
            return  # an evaluation on another of several data sets
        if self._trial.keeps(self._evaluated):
            self._is_asked_for = not control.should_save
            control.should_save = True
        else:
            self._report(control)

    def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:
        """Keep the checkpoint that was asked for, and report its evaluation."""
        if self._trial.metric not in self._evaluated:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self._trial.save(model=model, name=folder.name, checkpoint=files)
        if self._is_asked_for:
            shutil.rmtree(folder)
        self._report(control)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """If the metric was never among the figures, report the figures anyway, so that the error lists them."""
        if not self._trial.has_reported and self._evaluated:
            self._trial.report(self._evaluated)

    def _report(self, control: Any) -> None:
        figures, self._evaluated = self._evaluated, {}
        if self._trial.report(figures):
            control.should_training_stop = True
