"""The arguments of a function, read from its text: a script that trains when it is imported is then not run in vain."""

from __future__ import annotations

import ast
from typing import Any

from sweeps.own_code.objective import check_signature


def check_arguments(text: str, name: str, *, reports: str, takes: str) -> None:
    """Raises CodeError if the text defines the function, once and without a decorator, and it can't take a trial.

    reports, takes: see check_signature.
    """
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    bound = [node for node in ast.walk(ast.parse(text)) if _binds(node, name)]
    if len(bound) == 1 and isinstance(found := bound[0], kinds) and not found.decorator_list:
        check_signature(_stub(found), reports=reports, takes=takes)


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a node gives a value to the name, in whatever part of the module."""
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.alias):
        return name in (node.name, node.asname, "*") or node.name == "*"
    return getattr(node, "name", None) == name


def _stub(found: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
    """A function with the same arguments that does nothing. Nothing of the module is run for it."""
    found.body, found.returns = [ast.Pass()], None
    for each in ast.walk(found.args):
        if isinstance(each, ast.arg):
            each.annotation = None
    found.args.defaults = [ast.Constant(None) for _ in found.args.defaults]
    found.args.kw_defaults = [each and ast.Constant(None) for each in found.args.kw_defaults]
    module = ast.fix_missing_locations(ast.Module([found], []))
    names: dict[str, Any] = {}
    exec(compile(module, "<arguments>", "exec"), names)
    return names[found.name]
