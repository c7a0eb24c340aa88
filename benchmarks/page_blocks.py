"""Writes tables into pages of docs/. Each table is a block between `<!-- NAME -->` and `<!-- /NAME -->`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def with_block(page: str, name: str, content: str) -> str:
    """The page with new content in one block. Raises ValueError if the page has no such block."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no block {name!r}")
    return f"{before}{begin}{content}\n{end}{after}"


def with_blocks(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The page with new content in each block. tables: the function that makes the content, by block name."""
    for name, table in tables.items():
        page = with_block(page, name, table())
    return page


def read_cell(path: Path) -> dict[str, Any]:
    """The result of a benchmark, stored as JSON."""
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
