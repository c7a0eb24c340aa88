"""The one error of search spaces."""

from __future__ import annotations


class SpaceError(Exception):
    """A space that can't be searched; the message names file, line and key, and the remedy."""

    exit_code = 2
