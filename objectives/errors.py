"""Errors of tasks and data.

ObjectiveError            exit code 2
├── UnknownTaskError      there is no task of that name; the message names similar ones
├── ParametersError       the task has no such parameter, or the value is not allowed
├── DataError             a data set is incomplete or is not the published one
│   ├── MissingDataError  a data set is missing and can't be downloaded
│   └── UnwritableDataError  a data set can't be written to its place
├── WeightsError          a weights file is missing, or is not the recorded one
├── UntrustedCodeError    a file names code that the user has never launched on this machine
├── TaskError             a task's code breaks a rule of `Task` or `TrainingRun`
└── CodeError             a user's training function breaks a rule of trials
"""

from __future__ import annotations


class ObjectiveError(Exception):
    """An error that the user can correct. The message says how."""

    exit_code = 2


class UnknownTaskError(ObjectiveError):
    """There is no task of that name."""


class ParametersError(ObjectiveError):
    """The task has no such parameter, or the value is not allowed."""


class DataError(ObjectiveError):
    """A data set is missing, incomplete or not the published one."""


class MissingDataError(DataError):
    """A data set is missing and can't be downloaded."""


class UnwritableDataError(DataError):
    """A data set can't be written to its place."""


class WeightsError(ObjectiveError):
    """A weights file is missing, or is not the recorded one."""


class UntrustedCodeError(ObjectiveError):
    """A file names code that the user has never launched on this machine, so the code is not run."""


class TaskError(ObjectiveError):
    """A task's code breaks a rule of `Task` or `TrainingRun`."""


class CodeError(ObjectiveError):
    """A user's training function breaks a rule of trials, for example on what it reports or saves."""
