"""Passes the messages of a worker to the driver, and returns the answers. All runners use it."""

from __future__ import annotations

import sys
import weakref
from functools import partial
from typing import Any

from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.returned import Returned
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Progress, Suggest


def answer(driver: StudyDriver, number: int, told: Event | Failure, *, with_others: bool = False) -> Any:
    """Pass a worker's message about a running trial to the driver; returns the answer for the worker.

    with_others: whether the worker trains other trials, too; then a trial that runs out of memory is trained again
    alone. After the last message of a trial, the driver no longer counts it as running.
    """
    match told:
        case Progress():
            if told.unrecorded:
                _say_once(driver, told.unrecorded)
            return driver.record(number, told) is None
        case Returned():
            driver.returned(number, told)
        case Suggest():
            try:
                return driver.suggest(number, told)
            except ValueError as error:  # Optuna's error if the asked range doesn't match an earlier one
                driver.fail(number, Failure("error", "ValueError", f"{told.name}: {error}"))
        case Failure() if with_others and told.kind == "out_of_memory":
            driver.make_room(number)
        case Failure():
            driver.fail(number, told)
    return False


def keep_latest(driver: StudyDriver, number: int, latest: Progress) -> None:
    """Store the latest state of a trial that is about to be paused.

    latest: the round of this state; it is stored, too, if the driver has not received it yet. Does nothing if the trial
    has ended, or if the same or a later state is stored.
    """
    trial = driver.running.get(number)
    if trial is None or latest.checkpoint is None:
        return
    index = latest.round.index
    if index > len(trial.rounds):
        driver.record(number, latest)
    elif trial.checkpoint is None or trial.checkpoint["round"] < index:
        trial.keep_checkpoint(index, latest.checkpoint, partial(driver.writer.put_checkpoint, number))


_said: weakref.WeakKeyDictionary[StudyDriver, set[str]] = weakref.WeakKeyDictionary()


def _say_once(driver: StudyDriver, reason: str) -> None:
    said = _said.setdefault(driver, set())
    if reason not in said:
        said.add(reason)
        print(
            f"sweep: a GPU trains without recorded steps, which is slower but gives the same figures: {reason}.",
            file=sys.stderr,
        )


def end_overdue(driver: StudyDriver, number: int, seconds: float | None, *, with_others: bool) -> None:
    """Fail a trial that takes longer than `seconds`. If others ran in the same process, pause it, to train it alone."""
    if with_others:
        driver.make_room(number, to_its_end=True)
        return
    driver.fail(number, Failure("timeout", "TrialTimeout", f"took longer than {seconds:g} s"))
