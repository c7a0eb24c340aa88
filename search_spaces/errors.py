"""The error that this package raises."""

from __future__ import annotations


class SpaceError(Exception):
    """A space that can't be used. The message names file, line and key, and says what to do."""

    exit_code = 2
