"""Finds the local modules that a user's own code imports: those that are neither installed nor this service's own."""

from __future__ import annotations

import functools
import importlib.util
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

OURS = frozenset({"sweeps", "objectives", "search_spaces", "storage"})  # their code has a digest of its own


def find_module(name: str) -> Path | None:
    """The file of the module called `name`, searched for in the current folder and on Python's path; else None."""
    top, *rest = name.split(".")
    try:
        spec = PathFinder.find_spec(top, [str(Path.cwd())]) or importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or []) if spec and rest else []:
        for ending in (".py", "/__init__.py"):
            path = Path(place, *rest[:-1], f"{rest[-1]}{ending}")
            if path.is_file():
                return path
    return Path(spec.origin) if spec and spec.origin and not rest else None


def locate(name: str, root: Path) -> tuple[Path, bool] | None:
    """The file (or folder) of a local module, and whether it is a package; None if it is installed or missing."""
    top, *rest = name.split(".")
    if top in OURS:  # this service's own code is never local, wherever it is
        return None
    folder = root
    if not _is_there(root, top):
        try:
            spec = None if top in sys.builtin_module_names else importlib.util.find_spec(top)
        except (ImportError, ValueError, AttributeError):
            spec = None
        where = spec and (spec.origin or next(iter(spec.submodule_search_locations or []), None))
        if not where or _is_installed(Path(where)) or not Path(where).exists():
            return None
        folder = Path(where).parent.parent if spec and spec.submodule_search_locations else Path(where).parent
    bare = folder.joinpath(top, *rest)
    for path, is_package in ((bare.with_name(f"{bare.name}.py"), False), (bare / "__init__.py", True)):
        if path.is_file():
            return path, is_package
    return (bare, True) if bare.is_dir() and any(bare.glob("*.py")) else None


def _is_there(root: Path, top: str) -> bool:
    return (
        (root / f"{top}.py").is_file()
        or (root / top / "__init__.py").is_file()
        or any((root / top).glob("*.py"))
    )


def _is_installed(path: Path) -> bool:
    """Whether a file belongs to Python itself or to an installed package."""
    return any(part in ("site-packages", "dist-packages") for part in path.parts) or not (
        _places_of_python().isdisjoint(path.resolve().parents)
    )


@functools.cache
def _places_of_python() -> frozenset[Path]:
    """The folders of Python's own modules and of installed packages."""
    return frozenset(Path(place).resolve() for place in sysconfig.get_paths().values())
