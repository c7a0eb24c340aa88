"""Finds the modules that a source text imports, also inside functions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator


@functools.lru_cache(maxsize=256)
def imported_by(text: str, module: str, *, is_package: bool) -> tuple[list[str], ...]:
    """The names of modules that `module` may import, one list for each import.

    `from a import b` gives `a` and `a.b`, because `b` may be a module. `importlib.import_module(name)` gives the name
    if it is a string literal. Raises SyntaxError or ValueError if the text is not Python.
    """
    return tuple(_imports_of(ast.parse(text), module, is_package=is_package))


def _imports_of(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[list[str]]:
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield [each.name]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, package)
            if base:
                yield [base, *(f"{base}.{each.name}" for each in node.names if each.name != "*")]
        elif isinstance(node, ast.Call) and (name := _called_with(node)):
            yield [_absolute(name.lstrip("."), len(name) - len(name.lstrip(".")), package)]


def _absolute(name: str, level: int, package: str) -> str:
    if not level:
        return name
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}".strip(".")


def _called_with(call: ast.Call) -> str:
    """The module that a call of `import_module` names; empty for other calls, and if the name is not a literal."""
    function = getattr(call.func, "attr", getattr(call.func, "id", ""))
    first = call.args[0] if function in ("import_module", "__import__") and call.args else None
    found = first.value if isinstance(first, ast.Constant) else ""
    return found if isinstance(found, str) else ""
