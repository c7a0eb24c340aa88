"""Renders the picture and the tree of docs/design.md from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "design.md"
PACKAGES = ("sweeps", "search_spaces", "objectives", "storage")


def layers_of(package: str) -> list[list[str]]:
    """The layers of a package from the top down, each with its modules, as import-linter checks them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [
        each["layers"]
        for each in settings["contracts"]
        if each["type"] == "layers" and each["layers"][0].startswith(f"{package}.")
    ]
    return [[name.strip().removeprefix(f"{package}.") for name in layer.split("|")] for layer in layers]


def picture() -> str:
    """A mermaid diagram: each arrow points from a layer to the layer below, which it may import."""
    lines = ["```mermaid", "flowchart TD"]
    for package in ("sweeps", "objectives"):
        lines += [f"    subgraph {package}", "        direction TB"]
        layers = layers_of(package)
        lines += [f'        {package}{at}["{"<br/>".join(names)}"]' for at, names in enumerate(layers)]
        lines += [f"        {package}{at} --> {package}{at + 1}" for at in range(len(layers) - 1)]
        lines.append("    end")
    lines += ["    sweeps --> search_spaces", "    sweeps --> objectives", "    sweeps --> storage", "```"]
    return "\n".join(lines)


def rooms() -> list[Path]:
    """The folders of the packages, each package followed by its own folders."""
    return [
        path.parent
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("__init__.py"), key=lambda path: path.parent.parts)
    ]


def tree() -> str:
    """One line for each folder: its name, and the first line of its docstring."""
    lines = []
    for room in rooms():
        name = room.relative_to(ROOT)
        about = (ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or "").splitlines()[0]
        lines.append(f"{'  ' * (len(name.parts) - 1)}{name.name}/".ljust(20) + about)
    return "\n".join(["```text", *lines, "```"])


BLOCKS = {"picture": picture, "tree": tree}


def with_blocks(page: str) -> str:
    """`page` with today's picture and tree between their markers."""
    for name, render in BLOCKS.items():
        block = f"<!-- {name} -->\n{render()}\n<!-- /{name} -->"
        page = re.sub(rf"<!-- {name} -->.*<!-- /{name} -->", lambda _, new=block: new, page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_blocks(PAGE.read_text()))
