"""Search spaces: YAML files with ranges, choices and conditions for parameters.

This package does not import any task. Whether a task has the parameters of a space is checked in `sweeps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_spaces.errors import SpaceError
from search_spaces.schema import Categorical, Condition, Fixed, Numeric, Space

if TYPE_CHECKING:
    from search_spaces.override import parse_override as parse_override
    from search_spaces.reader import built_in_space_path as built_in_space_path
    from search_spaces.reader import read_space as read_space

__all__ = [
    "Categorical",
    "Condition",
    "Fixed",
    "Numeric",
    "Space",
    "SpaceError",
    "built_in_space_path",
    "parse_override",
    "read_space",
]


def __getattr__(name: str) -> Any:
    """Import the YAML reader at its first use: most reading of a stored study does not need it."""
    if name == "parse_override":
        from search_spaces.override import parse_override

        return parse_override
    if name in __all__:
        from search_spaces import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
