"""Floors stay apart in words, too: rooms import each other in one direction, and lower packages know no command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
LOWER = ("objectives", "search_spaces", "storage")
OF_THE_COMMAND_LINE = re.compile(r"`sweep |\bsweep [a-z]+`|--[a-z]|SWEEP_")
# Each reads the variable that it names.
ALLOWED = {
    ("objectives/datasets/cache.py", "SWEEP_"),
    ("objectives/home.py", "SWEEP_"),
    ("objectives/tasks/pretraining.py", "SWEEP_"),
}


@pytest.mark.parametrize("package", ["sweeps", "objectives"])
def test_rooms_import_each_other_in_no_circle(package: str) -> None:
    graph = grimp.build_graph(package)
    imports: dict[str, set[str]] = {}
    for module in graph.modules:
        here = room(module)
        others = {room(other) for other in graph.find_modules_directly_imported_by(module)}
        imports.setdefault(here, set()).update(others - {here, package})
    imports.pop(package, None)
    assert set(TopologicalSorter(imports).static_order()) >= set(imports)  # CycleError names the circle


def room(module: str) -> str:
    """`sweeps.driver` of `sweeps.driver.observer`; a file of its own is a room."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("package", LOWER)
def test_no_message_of_a_lower_package_names_a_command_an_option_or_a_variable(package: str) -> None:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for line, text in strings(ast.parse(path.read_text())):
            named = OF_THE_COMMAND_LINE.search(text)
            if named and (name, named[0]) not in ALLOWED:
                found.append(f"{name}:{line}: {text}")
    assert not found, "\n".join(found)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts in a file, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
