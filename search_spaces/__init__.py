"""What is searched: a YAML file names parameters with ranges, choices and conditions.

Nothing here knows a task: whether a parameter exists is checked where spaces and tasks meet, in `sweeps`.
"""

from search_spaces.errors import SpaceError
from search_spaces.reader import built_in_space_path, parse_override, read_space
from search_spaces.schema import Categorical, Condition, Fixed, Numeric, Space

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
