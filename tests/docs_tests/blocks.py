"""The blocks of code in README and docs, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NO_CODE = {"text", "mermaid", "json", "yaml", "toml"}  # output, pictures and files: nothing that is run
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_GENERATED = re.compile(r"<!-- ([\w-]+) -->.*?<!-- /\1 -->", re.DOTALL)
_SPAN = re.compile(r"`(sweep [a-z]+[^`]*)`")


@dataclass(frozen=True)
class Block:
    """A block of code. line: where it begins. is_generated: whether a program writes this part of the page."""

    page: str
    line: int
    kind: str
    text: str
    is_generated: bool

    @property
    def commands(self) -> list[str]:
        """What is typed at the prompt, without comments and without what is printed."""
        found = re.findall(r"^ *\$ (.*)$", self.text, re.MULTILINE)
        return [line.partition(" # ")[0].strip() for line in found]


def blocks() -> Iterator[Block]:
    """All blocks of code, in the order of the pages."""
    for page in PAGES:
        text = page.read_text()
        written = [found.span() for found in _GENERATED.finditer(text)]
        for found in _BLOCK.finditer(text):
            start = found.start()
            is_generated = page.name == "commands.md" or any(begin < start < end for begin, end in written)
            yield Block(page.name, text[:start].count("\n") + 1, found[1], found[2], is_generated)


def commands_in_prose() -> Iterator[tuple[str, list[str]]]:
    """Page and words of each command of ours in a sentence or a table."""
    for page in PAGES:
        for command in _SPAN.findall(_BLOCK.sub("", page.read_text())):
            yield page.name, shlex.split(command)[1:]
