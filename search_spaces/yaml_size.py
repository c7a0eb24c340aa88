"""Whether a YAML text is small enough to be loaded: a few lines may stand for more values than any memory holds.

An anchor whose value names another anchor nine times, nine levels deep, is a list of 387 million values. So a text is
measured by its events, which takes no more memory than the text, before anything is made of it.
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
    """The line (from 1) at which `text` becomes too large, and why; None where it does not.

    Raises what ruamel.yaml raises for a text that is no YAML.
    """
    sizes: dict[str, int] = {}  # of what has an anchor, with all that it stands for
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
                    return line, f"the alias *{event.anchor} names what it stands in"
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
            return line, f"stands for more than {MOST_VALUES:,} values, by anchors that name one another"
    return None
