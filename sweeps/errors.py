"""Errors that a user may see, and the exit codes of the command line.

    SweepError                exit code 1
    ├── UsageError            2: options that can't be combined, a study of this name with another specification
    ├── TooManyFailures       3
    ├── StoppedOnRequest      4: ended by `sweep stop`
    ├── Unwritable            1: weights or a checkpoint can't be written (a full disk, a missing folder)
    ├── RunBroken             1: Ray broke down, or workers do not start
    ├── NoCompletedTrial      5: also a confirmation or an audit that is not complete
    ├── Interrupted           130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP
    └── ReplayDiffers         1: a replay differs from the recorded run

The packages below have their own errors with their own exit codes: `objectives.ObjectiveError`,
`search_spaces.SpaceError` and `storage.StorageError`.
"""

from __future__ import annotations

from objectives import ObjectiveError
from search_spaces import SpaceError
from storage import StorageError


class SweepError(Exception):
    """An error that the user can correct; the message says how."""

    exit_code = 1


class UsageError(SweepError):
    """Options that can't be combined, or that do not fit the study."""

    exit_code = 2


class TooManyFailures(SweepError):
    """The study ended because too many of its trials failed."""

    exit_code = 3


class StoppedOnRequest(SweepError):
    """The study was ended by `sweep stop`."""

    exit_code = 4


class Unwritable(SweepError):
    """Weights or a checkpoint can't be written. This is not a failure of the trial."""


class RunBroken(SweepError):
    """Ray broke down, or its workers do not start. The running trials are paused."""


class NoCompletedTrial(SweepError):
    """The run ended without a complete trial, or a confirmation or an audit is not complete."""

    exit_code = 5


class Interrupted(SweepError):
    """The run was ended by a signal. The exit code is 128 plus the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class ReplayDiffers(SweepError):
    """A replay differs from the recorded run."""


USER_ERRORS = (SweepError, ObjectiveError, SpaceError, StorageError)
