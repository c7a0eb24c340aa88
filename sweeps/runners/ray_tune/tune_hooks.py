"""Callbacks of Tune's loop: they report slots that died to the driver, and end the loop when the driver says so."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sweeps.runners.ray_tune.ray_import import ray, tune


def keep_slots(
    serve: Callable[[dict[str, Any]], None],
    slots: list[int],
    needs: dict[str, float],
    config: dict[str, Any],
    folder: Path,
    died: queue.SimpleQueue[tuple[int, str]],
    ended: threading.Event,
) -> None:
    """Keep a process for each slot, and start it again when it dies, until `ended` is set."""
    tune.Tuner(
        tune.with_resources(serve, needs),
        param_space={"slot": tune.grid_search(slots), **config},
        tune_config=tune.TuneConfig(max_concurrent_trials=len(slots)),
        run_config=tune.RunConfig(
            name="slots",
            storage_path=str(folder),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=-1),
            callbacks=[SlotWatch(died)],
            stop=StopAll(ended),
        ),
    ).fit()


class SlotWatch(tune.Callback):  # type: ignore[misc]
    """Tells the driver at once when a slot's process has died. Tune then starts another one."""

    def __init__(self, died: queue.SimpleQueue[tuple[int, str]]) -> None:
        self._died = died

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Report that the process of a slot (Tune's trial) has died."""
        self._tell(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Report that the process of a slot (Tune's trial) has died."""
        self._tell(trial)

    def _tell(self, trial: Any) -> None:
        why = "its process was gone"
        with contextlib.suppress(Exception):
            error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
            cause = getattr(error, "cause", None) or error
            why = f"{type(cause).__name__}: {str(cause).strip().splitlines()[0]}"
        self._died.put((trial.config["slot"], why))


class StopAll(tune.Stopper):  # type: ignore[misc]
    """Ends Tune's loop when the driver asks for it."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Always false: no single slot is stopped."""
        return False

    def stop_all(self) -> bool:
        """Whether the driver has asked for the end."""
        return self._ended.is_set()
