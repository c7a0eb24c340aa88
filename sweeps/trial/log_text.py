"""What a trial's code has printed: harmless in a terminal, and of bounded length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sweeps.printable import printable

HEAD, TAIL = 16_384, 49_152  # characters that are kept of a log: its beginning and its end
LONGEST_LINE = 8_192
_LEFT_OUT = re.compile(r"\n\[(\d+) characters are left out here\]\n")
# Colours and movements of the cursor (CSI), titles and links (OSC), and short sequences of ECMA-48.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")


def log_path(out: Path, number: int) -> Path:
    """Where the log of a trial stands in a study's folder."""
    return out / "logs" / f"trial-{number:04d}.txt"


def clean(printed: str) -> str:
    """Lines as a terminal shows them in the end: without colours, and of a progress bar its last state.

    All other control characters are written out.
    """
    lines = (_ESCAPES.sub("", line).rstrip("\r").rpartition("\r")[2] for line in printed.split("\n"))
    return printable("\n".join(lines))


@dataclass
class LogText:
    """A log of bounded length. omitted: characters that are left out between head and tail."""

    head: str = ""
    omitted: int = 0
    tail: str = ""

    def add(self, text: str) -> None:
        """Add text; where the log gets too long, its middle is left out."""
        room = HEAD - len(self.head)
        self.head += text[:room]
        self.tail += text[room:]
        if len(self.tail) > TAIL:
            cut = len(self.tail) - TAIL
            cut = self.tail.find("\n", cut, cut + LONGEST_LINE) + 1 or cut  # at the beginning of a line
            self.tail, self.omitted = self.tail[cut:], self.omitted + cut

    def __str__(self) -> str:
        return self.head + (_left_out(self.omitted) if self.omitted else "") + self.tail

    @classmethod
    def read(cls, text: str) -> LogText:
        """The log of which `str` has given this text."""
        found = _LEFT_OUT.match(text, HEAD)
        if found is not None:
            return cls(text[:HEAD], int(found[1]), text[found.end() :])
        return cls(text[:HEAD], 0, text[HEAD:])

    @property
    def length(self) -> int:
        """How many characters were ever added."""
        return len(self.head) + self.omitted + len(self.tail)

    def since(self, position: int) -> str:
        """What was added after the first `position` characters, as far as it is kept."""
        missed = len(self.head) + self.omitted - max(position, len(self.head))
        if missed <= 0:
            return self.tail[-missed:] if position >= len(self.head) else self.head[position:] + self.tail
        return self.head[position:] + _left_out(missed) + self.tail


def _left_out(characters: int) -> str:
    return f"\n[{characters} characters are left out here]\n"


class Printed:
    """Collects what is printed, and gives it out as whole and harmless lines."""

    def __init__(self) -> None:
        self._unfinished = ""
        self._lines: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """Take what is printed, which may end within a line."""
        whole, newline, self._unfinished = (self._unfinished + text).rpartition("\n")
        if newline:
            self._keep(clean(whole) + newline)
        if len(self._unfinished) > LONGEST_LINE:
            self._end_line()

    def take(self, *, is_last: bool = False) -> str:
        """What was printed since the last call; up to the end of its last line, unless it `is_last`."""
        if is_last and self._unfinished:
            self._end_line()
        taken = "".join(self._lines)
        self._lines, self._length = [], 0
        return taken

    def _end_line(self) -> None:
        self._keep(clean(self._unfinished) + "\n")
        self._unfinished = ""

    def _keep(self, lines: str) -> None:
        self._lines.append(lines)
        self._length += len(lines)
        if self._length > 4 * (HEAD + TAIL):  # more than a log has, before anybody takes it
            bounded = LogText()
            bounded.add("".join(self._lines))
            self._lines = [str(bounded)]
            self._length = len(self._lines[0])
