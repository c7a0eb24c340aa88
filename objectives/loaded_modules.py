"""Puts the modules of somebody's code into `sys.modules`, executed from the text that was read."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from objectives.source_file import SourceFile


class _Loader(SourceLoader):
    """Executes a module from the text that was read; writes no bytecode, and reads none."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file

    def get_filename(self, fullname: str) -> str:
        """Where it was read."""
        return self._file.path

    def get_data(self, path: str | bytes) -> bytes:
        """Its text."""
        return self._file.text.encode()


class LoadedModules(MetaPathFinder):
    """The modules of one code, which stand in `sys.modules` while it is the active one.

    Two codes may each have a `helper` beside their file.
    """

    _all: dict[tuple[tuple[str, str, str], ...], LoadedModules] = {}
    _active: LoadedModules | None = None

    def __init__(self, files: tuple[SourceFile, ...], root: str) -> None:
        self._files = {each.module: each for each in files}
        self._root = root
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def of(cls, files: tuple[SourceFile, ...], root: str) -> LoadedModules:
        """The modules of the code with these files; the same object each time for the same texts."""
        key = tuple((each.module, each.path, each.digest) for each in files)
        return cls._all.setdefault(key, cls(files, root))

    def activate(self) -> None:
        """Let the names of this code mean its modules."""
        if LoadedModules._active is not self:
            if LoadedModules._active is not None:
                LoadedModules._active._step_back()
            for name, file in self._files.items():
                if getattr(sys.modules.get(name), "__file__", None) != file.path:  # another of that name
                    sys.modules.pop(name, None)
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, self)
            if self._root not in sys.path:
                sys.path.append(self._root)  # for what is imported by a name that only running tells
            LoadedModules._active = self

    def _step_back(self) -> None:
        sys.meta_path.remove(self)
        self._modules = {name: sys.modules.pop(name) for name in self._files if name in sys.modules}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """How to load one of this code's modules; None for others."""
        file = self._files.get(fullname)
        if file is None:
            return None
        folder = Path(file.path).parent if file.path.endswith(".py") else Path(file.path)
        return importlib.util.spec_from_file_location(
            fullname,
            file.path,
            loader=_Loader(file),
            submodule_search_locations=[str(folder)] if file.is_package else None,
        )
