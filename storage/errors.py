"""Errors of storage.

StorageError               exit code 1
├── StorageUnavailable     no server, a wrong password
│   ├── NoDatabase         no file there
│   ├── ReadOnlyDatabase   a file or folder that is read-only
│   ├── UnusableFile       a file that can't be opened
│   └── GivenUp            the database was unreachable for too long while a study ran
├── StorageRefused         a database of another program or version: exit code 2
├── StudyNotFound          exit code 2
├── DamagedDatabase        a stored value or a trial that can't be right
├── DatabaseGone           the file was deleted or replaced while a driver used it
├── LeaseHeld              another driver runs the study: exit code 2
└── LeaseLost              another driver has taken over the study
    └── StudyDeleted       or deleted it
"""

from __future__ import annotations


class StorageError(Exception):
    """An error of the database; the message says what to do."""

    exit_code = 1


class StorageUnavailable(StorageError):
    """The database can't be reached or opened."""


class NoDatabase(StorageUnavailable):
    """There is no database file."""


class ReadOnlyDatabase(StorageUnavailable):
    """The database's file, or the folder for it, is read-only."""


class UnusableFile(StorageUnavailable):
    """The database's file can't be opened."""


class GivenUp(StorageUnavailable):
    """The database was unreachable for too long while a study ran."""


class StorageRefused(StorageError):
    """The database is of a kind or version that we must not write."""

    exit_code = 2


class StudyNotFound(StorageError):
    """No study of that name in this database."""

    exit_code = 2


class LeaseHeld(StorageError):
    """Another driver runs the study."""

    exit_code = 2


class DamagedDatabase(StorageError):
    """What is stored can't be right: another program has changed it, or the disk is damaged."""


class DatabaseGone(StorageError):
    """The database's file was deleted or replaced."""


class LeaseLost(StorageError):
    """Another driver has taken over the study, so this one must not write any more."""


class StudyDeleted(LeaseLost):
    """The study was deleted."""
