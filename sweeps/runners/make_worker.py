"""Makes the worker that a plan needs: one for tasks, or one for a user's own functions."""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import Any, Protocol

from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Progress, Work, WorkPlan


class AnyWorker(Protocol):
    """Trains one trial after the other."""

    def train(self, work: Work) -> Generator[Event | Failure, Any, None]:
        """The messages about the trial, one after the other. The caller sends in the answer to each.

        The caller closes the generator when the trial has ended.
        """

    @property
    def failed_afterwards(self) -> Failure | None:
        """What the latest trial's code raised after the trial had ended; None if nothing."""

    @property
    def unread(self) -> Collection[str]:
        """The names of the latest trial's parameters that its code has not read."""

    def latest_state(self) -> tuple[int, Progress] | None:
        """The latest trial's number, and its latest round that has a state to continue from; None if there is none.

        Another thread may call it while the trial is trained.
        """

    def release(self) -> None:
        """Free the device memory that the last trial held."""


def make_worker(
    plan: WorkPlan, breaks_off: tuple[type[BaseException], ...] = (), *, can_be_killed: bool = False
) -> AnyWorker:
    """A worker for tasks, or for a user's own functions.

    breaks_off: exceptions from outside that end a trial (an interruption). can_be_killed: whether the driver kills this
    process if a trial does not end. Raises ObjectiveError if code or data differ from the driver's.
    """
    if plan.is_function:
        from sweeps.runners.own_code_worker import OwnCodeWorker

        return OwnCodeWorker(plan, breaks_off, can_be_killed=can_be_killed)
    from sweeps.runners.worker import Worker

    return Worker(plan, breaks_off, can_be_killed=can_be_killed)
