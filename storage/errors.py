"""Errors of storage.

StorageError               exit code 1
├── StorageUnavailable     no database there, no server, a wrong password
├── StorageRefused         a database that is not ours to write: exit code 2
├── StudyNotFound          exit code 2
├── DatabaseGone           the file was deleted or replaced while a driver was at work
├── LeaseHeld              another driver is at work on the study: exit code 2
└── LeaseLost              another driver has taken the study over, or deleted it
"""

from __future__ import annotations


class StorageError(Exception):
    """Something is wrong with the database; the message says what to do."""

    exit_code = 1


class StorageUnavailable(StorageError):
    """The database can't be reached or opened."""


class StorageRefused(StorageError):
    """The database is of a kind or version that we must not write."""

    exit_code = 2


class StudyNotFound(StorageError):
    """No study of that name in this database."""

    exit_code = 2


class LeaseHeld(StorageError):
    """Another driver is at work on the study."""

    exit_code = 2


class DatabaseGone(StorageError):
    """The database's file is not the one that was opened."""


class LeaseLost(StorageError):
    """Another driver has taken the study over: this one must write nothing any more."""
