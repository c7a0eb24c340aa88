"""Puts the modules of a user's own code into `sys.modules`. They are executed from the text that was read."""

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
    """Executes a module from the text that was read. It neither writes nor reads bytecode files."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file

    def get_filename(self, fullname: str) -> str:
        """The path from which the text was read."""
        return self._file.path

    def get_data(self, path: str | bytes) -> bytes:
        """The text of the module."""
        return self._file.text.encode()


class LoadedModules(MetaPathFinder):
    """The modules of one user code. They are in `sys.modules` only while this code is active.

    So two studies in one process may each have a module `helper` beside their file.
    """

    _all: dict[tuple[tuple[str, str, str], ...], LoadedModules] = {}
    _active: LoadedModules | None = None

    def __init__(self, files: tuple[SourceFile, ...], root: str) -> None:
        self._files = {each.module: each for each in files}
        self._root = root
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def of(cls, files: tuple[SourceFile, ...], root: str) -> LoadedModules:
        """The modules of the code with these files. The same texts always give the same object."""
        key = tuple((each.module, each.path, each.digest) for each in files)
        return cls._all.setdefault(key, cls(files, root))

    def activate(self) -> None:
        """Make this code the active one, so that imports of its local names give its own modules."""
        if LoadedModules._active is not self:
            if LoadedModules._active is not None:
                LoadedModules._active._step_back()
            for name, file in self._files.items():
                if getattr(sys.modules.get(name), "__file__", None) != file.path:  # another one
                    sys.modules.pop(name, None)
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, self)
            if self._root not in sys.path:
                sys.path.append(self._root)  # for imports by a name that is computed at run time
            LoadedModules._active = self

    def _step_back(self) -> None:
        sys.meta_path.remove(self)
        self._modules = {name: sys.modules.pop(name) for name in self._files if name in sys.modules}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module of this code; None for other modules."""
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
