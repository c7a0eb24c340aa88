"""Makes text from elsewhere (an error of a task, a name, a file) safe to store and to print."""

from __future__ import annotations

import re

# C0 and C1 control characters except line ends and tabs, lone surrogates, and marks that change the writing direction.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with control characters and lone surrogates as Python writes them, such as \\x1b.

    A terminal obeys escape codes, and no database takes NUL or a lone surrogate. Line ends and tabs stay.
    """
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def on_one_line(text: str) -> str:
    """As `printable`, with line ends and tabs written as \\n and \\t, too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def duration_text(seconds: float) -> str:
    """A duration with a suitable unit: `35 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
