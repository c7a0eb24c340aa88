"""Between a worker that trains a trial and the driver: whatever is told is answered here, for every runner."""

from __future__ import annotations

from typing import Any

from sweeps.driver.study_driver import StudyDriver
from sweeps.trial.returned import Returned
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Event, Progress, Suggest


def answer(driver: StudyDriver, number: int, told: Event | Failure) -> Any:
    """Let the driver take what was told of a running trial; what the worker is told back.

    After the last event of a trial it is not running any more.
    """
    match told:
        case Progress():
            return driver.record(number, told) is None
        case Returned():
            driver.returned(number, told)
        case Suggest():
            try:
                return driver.suggest(number, told)
            except ValueError as error:  # what Optuna says of ranges that don't go together
                driver.fail(number, Failure("error", "ValueError", f"{told.name}: {error}"))
        case Failure():
            driver.fail(number, told)
    return False
