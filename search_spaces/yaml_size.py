"""Checks whether a YAML text is small enough to be loaded. A few lines can expand to more values than fit in memory.

For example, an anchor whose value names another anchor nine times, nine levels deep, is a list of 387 million values.
So before a text is loaded, the number of its values is computed from its YAML events, which takes little memory.
"""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MOST_VALUES = 1_000_000
DEEPEST = 50


def oversize(text: str) -> tuple[int, str] | None:
    """The line (from 1) at which `text` becomes too large, and why; None if it is small enough.

    Raises ruamel.yaml's error if the text is not YAML.
    """
    sizes: dict[str, int] = {}  # of each anchor: the number of values that it expands to
    open_ones: list[tuple[str | None, int]] = [(None, 0)]
    for event in YAML(typ="rt", pure=True).parse(text):
        line = event.start_mark.line + 1
        match event:
            case SequenceStartEvent() | MappingStartEvent():
                open_ones.append((event.anchor, 1))
                if len(open_ones) > DEEPEST:
                    return line, f"nested more than {DEEPEST} levels deep"
                continue
            case SequenceEndEvent() | MappingEndEvent():
                anchor, size = open_ones.pop()
            case AliasEvent():
                if any(event.anchor == each for each, _ in open_ones):
                    return line, f"the alias *{event.anchor} names a value that contains the alias itself"
                anchor, size = None, sizes.get(event.anchor, 1)
            case ScalarEvent():
                anchor, size = event.anchor, 1
            case _:
                continue
        if anchor is not None:
            sizes[anchor] = size
        around, so_far = open_ones.pop()
        open_ones.append((around, so_far + size))
        if so_far + size > MOST_VALUES:
            return line, f"expands to more than {MOST_VALUES:,} values, because anchors name one another"
    return None
