"""Trains trials: takes parameters and a seed, returns rounds. It needs no Optuna, database or Ray."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from objectives import DataError, ObjectiveError, Round
from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.weights import pack_weights
from objectives.registry import get_task, task_of
from objectives.task import Task
from sweeps.runners.checked_run import CheckedRun
from sweeps.study.environment import code_digest
from sweeps.trial.failure import failure_of
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Work, WorkPlan

T = TypeVar("T")
CLOSING_SECONDS = 60.0  # a trial's run may take this long to close, in a process that can't be replaced


class Worker:
    """Loads task and data once, then trains one trial after the other.

    breaks_off: exceptions from outside that end a trial (an interruption), which are not the task's fault.
    can_be_killed: whether the driver kills this process if a trial's run does not close. Raises ObjectiveError if its
    code or data differ from the driver's.
    """

    def __init__(
        self, plan: WorkPlan, breaks_off: tuple[type[BaseException], ...] = (), *, can_be_killed: bool = False
    ) -> None:
        from objectives.training.loop import make_deterministic

        if code_digest() != plan.code:
            raise ObjectiveError(
                "A worker's code of onset-sweeps differs from the driver's. Install the same version on every "
                f"machine (the worker's code is in {Path(__file__).parent})."
            )
        # The driver prints why steps are not recorded, once for all workers.
        logging.getLogger("objectives.training.recorded").setLevel(logging.ERROR)
        make_deterministic(plan.threads)
        self._plan = plan
        self._breaks_off = breaks_off
        self._can_be_killed = can_be_killed
        self._task = get_task(plan.task) if plan.sources is None else _own_task(plan)
        self._splits = plan.data.load(self._task, Path(plan.data_root))
        if self._splits.digest != plan.data_digest:
            raise DataError(
                f"The rows of {plan.data.name!r} in {plan.data_root} differ between a worker and the driver. "
                "Copy the same files to every machine."
            )

    def train(self, work: Work) -> Generator[Progress | Failure]:
        """The trial's rounds, up to the last one or to the failure that ends the trial.

        Every exception of the task becomes this failure, also that of `sys.exit()`. Only exceptions in `breaks_off` are
        passed on.
        """
        self.release()
        training = self.begin(work)
        if isinstance(training, Failure):
            yield training
            return
        try:
            while training.run.rounds_done < work.rounds:
                latest = self._attempt(lambda: self._progress(training, training.run.advance()))
                yield latest
                if isinstance(latest, Failure):
                    return
        finally:
            self.close(training)

    def begin(self, work: Work) -> Training | Failure:
        """The trial, ready for its next round; or the failure of its start."""
        return self._attempt(lambda: self._begin(work))

    def took(self, training: Training, outcome: Round | BaseException) -> Progress | Failure:
        """The message about a round of the trial's run, or about the exception that it raised."""
        if isinstance(outcome, BaseException):
            return self._failure_from(outcome)
        return self._attempt(lambda: self._progress(training, training.run.took(outcome)))

    def close(self, training: Training) -> None:
        """Close the trial's run, so that it ends the processes or files that it has opened."""
        self._close(training.run)

    @property
    def failed_afterwards(self) -> None:
        """Always None: after a task's trial has ended, only its `close` runs, and a failure there is printed."""

    @property
    def unread(self) -> Collection[str]:
        """Always empty: a task's parameters are known, so it is not recorded which of them are read."""
        return ()

    def latest_state(self) -> None:
        """Always None: a task's state is complete only between rounds, and is sent then if it is due."""

    def release(self) -> None:
        """Free the device memory that the last trial held, because other processes may train on this device, too."""
        import torch

        self.give_memory_back()
        if self._plan.device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def give_memory_back(self) -> None:
        """Free the device memory that torch has reserved but no tensor uses."""
        import torch

        if self._plan.device == "cuda":
            torch.cuda.empty_cache()

    def hold_rows_on_device(self) -> None:
        """Copy the rows to the device once, for all trials that follow.

        Does nothing for a task with its own training loop, for folds and for measurements.
        """
        import torch

        plan, splits, device = self._plan, self._splits, torch.device(self._plan.device)
        if type(self._task).start is Task.start and not plan.data.folds and plan.probe is None:
            self._splits = replace(splits, train=splits.train.to(device), valid=splits.valid.to(device))

    def _begin(self, work: Work) -> Training:
        """The trial's run, continued from its checkpoint; from the start if there is none, or it can't be used.

        An unusable checkpoint must not fail the trial: whether one exists depends only on when the driver died.
        """
        run, why = self._start(work), ""
        if work.checkpoint is not None:
            packed = work.checkpoint
            best = self._attempt(lambda: run.restore(packed))
            if not isinstance(best, Failure):
                return Training(run, best, time.monotonic(), work.until)
            self._close(run)
            run, why = self._start(work), f"its saved state could not be loaded ({best.in_short})"
        return Training(run, math.nan, time.monotonic(), work.until, why)

    def _start(self, work: Work) -> CheckedRun:
        import torch

        from objectives.training.probes import start_of

        run = start_of(self._plan.probe)(
            self._task,
            self._task.parameters_from(work.parameters),
            self._plan.data.fold(self._task, self._splits, work.repeat),
            rounds=work.rounds,
            seed=work.seed,
            device=torch.device(self._plan.device),
        )
        return CheckedRun(run, work.rounds)

    def _progress(self, training: Training, latest: Round) -> Progress:
        run = training.run
        weights = None
        if self._plan.metric.is_better(latest.valid_score, training.best):
            training.best = latest.valid_score
            weights = pack_weights(run.model.state_dict()) if self._plan.keep_weights else None
        is_last = run.rounds_done == training.until
        checkpoint = self._checkpoint(training, is_last=is_last) if run.rounds_done < run.rounds else None
        return Progress(latest, weights, checkpoint, training.starts_over, unrecorded=run.unrecorded)

    def _checkpoint(self, training: Training, *, is_last: bool) -> PackedFile | None:
        """The whole state, if it is time to save it again or the trial is about to be paused; else None.

        After the first round, the state is packed in any case, to find out whether it can be saved.
        """
        due = is_last or time.monotonic() - training.kept_at >= self._plan.checkpoint_seconds
        if training.cannot_be_kept or not (due or training.run.rounds_done == 1):
            return None
        packed = self._attempt(lambda: training.run.pack(training.best))
        if isinstance(packed, Failure):
            training.cannot_be_kept = True
            training.starts_over = f"its state can't be saved ({packed.in_short})"
            return None
        if not due:
            return None
        training.kept_at = time.monotonic()
        return packed

    def _close(self, run: CheckedRun) -> None:
        """Close the run. The trial has ended by now, so a failure is only printed."""
        if self._can_be_killed:
            self._close_now(run)
            return
        closing = threading.Thread(target=self._close_now, args=(run,), daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)
        if closing.is_alive():
            print(
                f"sweep: a trial's run has not closed within {CLOSING_SECONDS:g} s. The study continues without "
                "waiting for it. With --runner ray, the process would be replaced.",
                file=sys.stderr,
            )

    def _close_now(self, run: CheckedRun) -> None:
        if isinstance(failure := self._attempt(run.close), Failure):
            print(f"sweep: a trial's run could not be closed: {failure.in_short}", file=sys.stderr)

    def _attempt(self, call: Callable[[], T]) -> T | Failure:
        """What `call` returns, or the failure that it raises."""
        try:
            return call()
        except self._breaks_off:
            raise
        except BaseException as error:  # noqa: BLE001 - any exception of a task is recorded with its trial
            return self._failure_from(error)

    def _failure_from(self, error: BaseException) -> Failure:
        import torch

        from objectives.training.loop import peak_memory_bytes

        failure = failure_of(error)
        if failure.kind != "out_of_memory":
            return failure
        return replace(failure, peak_memory_bytes=peak_memory_bytes(torch.device(self._plan.device)))


@dataclass
class Training:
    """A trial in training.

    best: the best score so far. kept_at: when its state was last saved, in seconds of the monotonic clock. until: the
    round after which the trial is paused; None if it is not paused. starts_over: why the trial started from its first
    round again, or would do so after a crash; else empty.
    """

    run: CheckedRun
    best: float
    kept_at: float
    until: int | None
    starts_over: str = ""
    cannot_be_kept: bool = False


def _own_task(plan: WorkPlan) -> Task:
    """The user's own task, from the code that the driver sent."""
    assert plan.sources is not None
    return task_of(plan.sources, plan.task.rpartition(":")[2])
