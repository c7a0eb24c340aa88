"""Where studies are kept: one database with Optuna's tables and ours beside them."""

from storage.database import Database, open_database
from storage.errors import LeaseHeld, StorageError, StorageRefused, StorageUnavailable, StudyNotFound

__all__ = [
    "Database",
    "LeaseHeld",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "StudyNotFound",
    "open_database",
]
