"""Between a worker that trains a trial and the driver: whatever is told is answered here, for every runner."""

from __future__ import annotations

import sys
import weakref
from typing import Any

from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.returned import Returned
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Progress, Suggest


def answer(driver: StudyDriver, number: int, told: Event | Failure, *, with_others: bool = False) -> Any:
    """Let the driver take what was told of a running trial; what the worker is told back.

    with_others: whether the worker trains other trials, too. A trial that finds no memory then is trained again alone.
    After the last event of a trial it is not running any more.
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
            except ValueError as error:  # what Optuna says of ranges that don't go together
                driver.fail(number, Failure("error", "ValueError", f"{told.name}: {error}"))
        case Failure() if with_others and told.kind == "out_of_memory":
            driver.make_room(number)
        case Failure():
            driver.fail(number, told)
    return False


_said: weakref.WeakKeyDictionary[StudyDriver, set[str]] = weakref.WeakKeyDictionary()


def _say_once(driver: StudyDriver, reason: str) -> None:
    said = _said.setdefault(driver, set())
    if reason not in said:
        said.add(reason)
        print(
            f"sweep: a GPU trains without recorded steps, slower and with the same figures: {reason}.",
            file=sys.stderr,
        )
