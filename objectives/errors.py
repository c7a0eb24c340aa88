"""Errors of tasks and data.

ObjectiveError            exit code 2
├── UnknownTaskError      no task of that name; says which come close
├── ParametersError       a parameter that the task lacks, or a value it can't take
├── DataError             a data set that is cut short or not what it should be
│   ├── MissingDataError  one that is not there and can't be fetched
│   └── UnwritableDataError  a place where it can't be put
├── WeightsError          a weights file that is missing or not the one that was recorded
├── UntrustedCodeError   code that a file from outside names, and that the user has not launched before
├── TaskError             a task that does not keep to what `Task` or `TrainingRun` asks of it
└── CodeError             training code of a user's own that does not keep to what a trial asks of it
"""

from __future__ import annotations


class ObjectiveError(Exception):
    """Something a user can mend; the message says how."""

    exit_code = 2


class UnknownTaskError(ObjectiveError):
    """No task of that name."""


class ParametersError(ObjectiveError):
    """A parameter that the task lacks, or a value it can't take."""


class DataError(ObjectiveError):
    """A data set that is missing, cut short or not what it should be."""


class MissingDataError(DataError):
    """A data set that is not there and can't be fetched."""


class UnwritableDataError(DataError):
    """A place where a data set can't be put."""


class WeightsError(ObjectiveError):
    """A weights file that is missing, or not the one that was recorded."""


class UntrustedCodeError(ObjectiveError):
    """Code that a file from outside names, and that the user has not launched before."""


class TaskError(ObjectiveError):
    """A task whose code does not do what `Task` or `TrainingRun` asks of it."""


class CodeError(ObjectiveError):
    """Training code of a user's own that does not keep to what a trial asks of it."""
