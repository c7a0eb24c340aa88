"""Trains a user's own function for a runner."""

from __future__ import annotations

from collections.abc import Collection, Generator
from pathlib import Path
from typing import Any

from objectives import DataError, ObjectiveError
from sweeps.own_code.find import OwnCode
from sweeps.own_code.kept_state import KeptState
from sweeps.own_code.named_files import digests
from sweeps.own_code.parameters import Parameters
from sweeps.own_code.training import OwnTraining
from sweeps.own_code.trial import TrialStart
from sweeps.study.environment import code_digest
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Progress, Work, WorkPlan


class OwnCodeWorker:
    """Loads the code once, then trains one trial after the other.

    breaks_off: exceptions from outside that end a trial. can_be_killed: whether the driver kills this process if the
    user's code does not return. Raises ObjectiveError if the code of onset-sweeps differs from the driver's, and
    DataError if a file that the user's code names does.
    """

    def __init__(
        self, plan: WorkPlan, breaks_off: tuple[type[BaseException], ...] = (), *, can_be_killed: bool = False
    ) -> None:
        if code_digest() != plan.code:
            raise ObjectiveError(
                "A worker's code of onset-sweeps differs from the driver's. Install the same version on every "
                f"machine (the worker's code is in {Path(__file__).parent})."
            )
        assert plan.sources is not None
        code = OwnCode(plan.sources, plan.task.rpartition(":")[2])
        self._plan = plan
        self._latest, self._parameters = (-1, KeptState()), Parameters({})
        self._training = OwnTraining(code, plan.threads, breaks_off=breaks_off, can_be_killed=can_be_killed)
        for name, digest in digests(plan.sources, self._training.objective):
            if digest != dict(plan.sources.named).get(name, digest):
                raise DataError(
                    f"{name}, which the code names in files=, differs between a worker and the driver. Copy the same "
                    "file to every machine."
                )

    def train(self, work: Work) -> Generator[Event | Failure, Any, None]:
        """The messages of the code about the trial, or the failure that ends it. The caller sends in the answers."""
        plan, kept = self._plan, KeptState()
        self._latest = work.number, kept
        self._parameters = Parameters(work.parameters)
        return self._training.events(
            TrialStart(
                number=work.number,
                parameters=self._parameters,
                seed=work.seed,
                num_rounds=work.rounds,
                metric=plan.metric,
                device=plan.device,
                data_dir=Path(plan.data_root),
                saved=work.checkpoint,
                keep_best=plan.keep_weights,
                keep_every=plan.checkpoint_seconds,
                kept=kept,
            )
        )

    def latest_state(self) -> tuple[int, Progress] | None:
        """The latest trial's number, and its latest round that has a state; None if nothing was saved."""
        number, kept = self._latest
        latest = kept.checkpointed()
        return None if latest is None else (number, latest)

    @property
    def failed_afterwards(self) -> Failure | None:
        """What the latest trial's code raised after the trial had ended."""
        return self._training.failed_afterwards

    @property
    def unread(self) -> Collection[str]:
        """The names of the latest trial's parameters that its code has not read."""
        return self._parameters.unread

    def release(self) -> None:
        """Free the device memory that the last trial held."""
        self._training.release(self._plan.device)
