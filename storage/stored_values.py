"""Reads values that were stored in the database as text."""

from __future__ import annotations

import json
import reprlib
from typing import Any

from storage.errors import DamagedDatabase


def loads(text: str) -> Any:
    """A value that was stored as JSON. Raises DamagedDatabase if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(text) from None


def as_number(value: Any) -> float:
    """A stored number. SQLite may hold a text in its place; raises DamagedDatabase then."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _damaged(value) from None


def _damaged(value: Any) -> DamagedDatabase:
    return DamagedDatabase(
        f"The database contains a value that can't be read: {reprlib.repr(value)}. Another program has changed it, or "
        "the disk is damaged. Restore the database from a copy."
    )
