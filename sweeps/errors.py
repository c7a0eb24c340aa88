"""Errors that a user meets, and how the command line ends with them.

    SweepError                exit code 1
    ├── UsageError            2: options that don't go together, a study of that name with other contents
    ├── TooManyFailures       3
    ├── StoppedOnRequest      4: ended by `sweep stop`
    ├── Unwritable            1: weights or a checkpoint that can't be written (a full disk, a folder gone)
    ├── NoCompletedTrial      5: or a confirmation or audit whose time was up
    ├── Interrupted           130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP
    └── ReplayDiffers         1: a replay that is not the recorded run

Of the packages below: `objectives.ObjectiveError`, `search_spaces.SpaceError`, `storage.StorageError`, each
with an exit code of its own.
"""

from __future__ import annotations

from objectives import ObjectiveError
from search_spaces import SpaceError
from storage import StorageError


class SweepError(Exception):
    """Something a user can mend; the message says how."""

    exit_code = 1


class UsageError(SweepError):
    """Options that don't go together or don't fit the study."""

    exit_code = 2


class TooManyFailures(SweepError):
    """The study ended because too many of its trials failed."""

    exit_code = 3


class StoppedOnRequest(SweepError):
    """The study was ended by `sweep stop`."""

    exit_code = 4


class Unwritable(SweepError):
    """Weights or a checkpoint can't be written: no fault of the trial's, so none of its failures."""


class NoCompletedTrial(SweepError):
    """The run ended, and no trial is complete, or of a confirmation or an audit not all are."""

    exit_code = 5


class Interrupted(SweepError):
    """Ended by a signal; its number gives the exit code."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class ReplayDiffers(SweepError):
    """A replay that is not the recorded run."""


USER_ERRORS = (SweepError, ObjectiveError, SpaceError, StorageError)
