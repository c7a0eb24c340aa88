"""The database of studies: Optuna's tables, and our tables beside them."""

from storage.database import Database, open_database
from storage.errors import (
    DatabaseGone,
    LeaseHeld,
    LeaseLost,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StudyNotFound,
)

__all__ = [
    "Database",
    "DatabaseGone",
    "LeaseHeld",
    "LeaseLost",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "StudyNotFound",
    "open_database",
]
