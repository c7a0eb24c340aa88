"""Trains trials of a user's own code in this process: the code runs in a thread, the caller gets an iterator."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from objectives.as_script import NO_ARGUMENTS, as_script, asks_for_arguments, ended_itself, lost_its_module
from objectives.errors import CodeError, ObjectiveError
from sweeps.own_code import random_state
from sweeps.own_code.conversation import Conversation, Exchange
from sweeps.own_code.find import OWN_OBJECTIVES, OwnCode, OwnObjective
from sweeps.own_code.habits import takes_small_seeds
from sweeps.own_code.trial import TrialStart
from sweeps.trial.failure import failure_of
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event

RETURN_SECONDS = 60.0  # how long code may take to return after its trial has ended
INTERRUPTED_SECONDS = 5.0  # the same after an interruption
_PACKAGE = str(Path(__file__).parents[1])


class StillTraining(ObjectiveError):
    """The code has not returned after its trial has ended, and this process can't be killed."""


class OwnTraining:
    """Trains one trial after the other of a user's own function.

    threads: how many threads numerical libraries may use. breaks_off: exceptions from outside that end a trial.
    can_be_killed: whether the driver kills this process if the code does not return. failed_afterwards: the failure of
    the latest trial's code after the trial had ended; None if it did not fail.
    """

    def __init__(
        self,
        code: OwnCode,
        threads: int,
        *,
        breaks_off: tuple[type[BaseException], ...] = (),
        can_be_killed: bool = False,
    ) -> None:
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        self._sources = code.sources
        self._threads = threads
        self._breaks_off = breaks_off
        self._can_be_killed = can_be_killed
        import numpy  # noqa: F401 - loaded before generators are seeded, even if the code imports it later

        if self._sources.uses_torch:
            import torch  # noqa: F401 - loaded before generators are seeded
        found = code.load()
        assert isinstance(found, OWN_OBJECTIVES)
        self.objective: OwnObjective = found
        self.failed_afterwards: Failure | None = None

    def events(self, start: TrialStart) -> Generator[Event | Failure, Any, None]:
        """The events of the code, or the failure that ends the trial. The caller sends in the answer to each event.

        The caller closes the generator when the trial has ended. This raises StillTraining if the code does not return.
        """
        conversation = Conversation(lambda exchange: self._train(start, exchange))
        self.failed_afterwards, patience = None, RETURN_SECONDS
        try:
            yield from conversation.events()
        except GeneratorExit:
            raise
        except self._breaks_off:
            patience = INTERRUPTED_SECONDS
            raise
        except BaseException as error:  # noqa: BLE001 - any exception of the code is recorded with its trial
            yield failure_of(_from_own_code(error))
        finally:
            has_returned = conversation.close(1e6 if self._can_be_killed else patience)
            if (late := conversation.error_at_the_end()) is not None:
                self.failed_afterwards = failure_of(_from_own_code(late))
            if not has_returned and patience == RETURN_SECONDS:
                raise StillTraining(
                    f"Trial {start.number} has ended, but its code has not returned within {RETURN_SECONDS:.0f} s, so "
                    "no other trial can be trained in this process. Let the code end when trial.rounds() ends or "
                    "trial.report returns True. Or use --runner ray, which kills the process of such a worker."
                )

    def _train(self, start: TrialStart, exchange: Exchange) -> None:
        """Train in the thread of the code, because the number of threads is a setting of each thread."""
        self._sources.load()  # another code's modules of the same names may have replaced its own
        with (
            as_script(self._sources.main.path),
            _in_the_same_folder(),
            settled(self._threads, of_torch=self._sources.uses_torch),
        ):
            random_state.seed_all(start.seed)
            self.objective.train(start, exchange)

    def release(self, device: str) -> None:
        """Free the device memory that the last trial held, because other processes may train on this device, too."""
        if device == "cuda" and (torch := sys.modules.get("torch")):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


@contextlib.contextmanager
def settled(threads: int, *, of_torch: bool) -> Iterator[None]:
    """In this context, numerical libraries use so many threads, and torch uses its deterministic algorithms."""
    from threadpoolctl import threadpool_limits

    if of_torch:
        from objectives.training.loop import make_deterministic

        make_deterministic(threads)
    with threadpool_limits(threads):
        yield


@contextlib.contextmanager
def _in_the_same_folder() -> Iterator[None]:
    """Restore the working folder after this context, so that the next trial does not depend on this one."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


def _from_own_code(error: BaseException) -> BaseException:
    """The error, with its traceback shortened so that it begins in the user's code, if it has a part there."""
    remedy = NO_ARGUMENTS if asks_for_arguments(error) else ended_itself(error) or lost_its_module(error)
    if remedy := remedy or takes_small_seeds(error):
        remedied = CodeError(f"{type(error).__name__}: {error}. {remedy}")
        error = remedied.with_traceback(error.__traceback__)
    frames: TracebackType | None = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    return error if frames is None else error.with_traceback(frames)
