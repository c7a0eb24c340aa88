"""The database of studies: Optuna's tables, and our tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.errors import (
    DatabaseGone,
    LeaseHeld,
    LeaseLost,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StudyNotFound,
)

if TYPE_CHECKING:
    from storage.database import Database, open_database

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


def __getattr__(name: str) -> Any:
    """Import `Database` and `open_database` at their first use: workers need only the errors, not SQLAlchemy."""
    if name in ("Database", "open_database"):
        from storage import database

        return getattr(database, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
