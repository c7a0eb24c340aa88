"""The worker for what a plan trains."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Work, WorkPlan


class AnyWorker(Protocol):
    """Trains one trial after the other."""

    def train(self, work: Work) -> Generator[Event | Failure, Any, None]:
        """What is told of the trial, in turn; each answer is sent in. Closed where the trial has ended."""

    @property
    def failed_afterwards(self) -> Failure | None:
        """What the latest trial's code raised after the trial had ended; None if nothing."""

    def release(self) -> None:
        """Give back what the last trial held on the device."""


def make_worker(
    plan: WorkPlan, breaks_off: tuple[type[BaseException], ...] = (), *, can_be_killed: bool = False
) -> AnyWorker:
    """A worker of tasks, or of functions of a user's own.

    breaks_off: exceptions that end a trial from outside (an interruption). can_be_killed: whether somebody ends this
    process where a trial does not end. Raises ObjectiveError when code or data are not the driver's.
    """
    if plan.is_function:
        from sweeps.runners.own_code_worker import OwnCodeWorker

        return OwnCodeWorker(plan, breaks_off, can_be_killed=can_be_killed)
    from sweeps.runners.worker import Worker

    return Worker(plan, breaks_off, can_be_killed=can_be_killed)
