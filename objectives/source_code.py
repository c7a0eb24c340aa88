"""A user's own code: a file and the local modules that it imports. They are read once, and loaded from the read text.

All code that can change a study's figures must be known, and the same on every worker. So the driver finds the local
modules by the import statements (also those inside functions), computes their digests, and sends their text to the
workers. A worker loads this text, even if the files on its own disk have changed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from objectives.as_script import MODULE_PREFIX, NO_ARGUMENTS, as_script, asks_for_arguments
from objectives.errors import UnknownTaskError
from objectives.import_statements import imported_by
from objectives.loaded_modules import LoadedModules
from objectives.local_modules import OURS, locate
from objectives.source_file import SourceFile

_IMPORTS_FROM_ITS_PACKAGE = re.compile(r"^\s*from\s+\.", re.MULTILINE)
_ON_TORCH = frozenset(
    {
        "torch",
        "torchvision",
        "torchaudio",
        "lightning",
        "pytorch_lightning",
        "transformers",
        "accelerate",
        "fastai",
    }
)

_being_loaded: list[str] = []


def is_being_loaded() -> bool:
    """Whether a user's own code is being imported now, and calls this function."""
    return bool(_being_loaded)


@dataclass(frozen=True)
class Sources:
    """A module and the local modules that it imports; the module itself is first.

    packages: top-level names of the other modules that it imports. named: digests of other files that can change
    figures, which the code has declared.
    """

    files: tuple[SourceFile, ...]
    root: str
    packages: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @property
    def main(self) -> SourceFile:
        """The file that the user named."""
        return self.files[0]

    @functools.cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each file of code, by its path relative to the folder of the code."""
        return {each.shown: each.digest for each in self.files if each.text}

    @property
    def decisive(self) -> dict[str, str]:
        """The digests of all files that can change figures: those of code, and those that the code declared."""
        return {**self.digests, **dict(self.named)}

    @property
    def uses_torch(self) -> bool:
        """Whether the code uses torch, according to its imports."""
        return not _ON_TORCH.isdisjoint(self.packages) or ("keras" in self.packages and _keras_is_on_torch())

    def load(self) -> ModuleType:
        """The main module. It is executed once, and can import its local modules by the usual names.

        Raises UnknownTaskError, with the reason, if it can't be imported.
        """
        loaded = LoadedModules.of(self.files, self.root)
        loaded.activate()
        if self.main.module not in sys.modules:
            _being_loaded.append(self.main.module)
            try:
                with as_script(self.main.path):
                    importlib.import_module(self.main.module)
            except (Exception, SystemExit) as error:
                raise UnknownTaskError(f"{self.main.path} can't be imported: {_told(error, self)}") from error
            finally:
                _being_loaded.pop()
        return sys.modules[self.main.module]


def read_sources(file: Path, module: str | None = None) -> Sources:
    """The sources of `file`, which is imported under the name `module`.

    By default, a file that imports from its own package has its name in that package. Any other file has a name that is
    made from its content: so an edited file is a new module, and no file hides an installed package of the same name.

    Raises UnknownTaskError if the file is missing or is not Python.
    """
    path = file.resolve()
    if not path.is_file():
        raise UnknownTaskError(f"{path}: no such file.")
    root, dotted = _place_of(path) if module is None else (path.parents[module.count(".")], module)
    if module is not None and path.name == "__init__.py":
        root = root.parent
    text = _read(path)
    own = f"{MODULE_PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    name = module or (dotted if _IMPORTS_FROM_ITS_PACKAGE.search(text) else own)
    return _Reading(root).sources(
        SourceFile(name, str(path), path.relative_to(root).as_posix(), text), dotted
    )


class _Reading:
    """Follows imports from one file to the next."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, SourceFile] = {}
        self._others: set[str] = set()

    def sources(self, main: SourceFile, dotted: str) -> Sources:
        """The sources of the main file. dotted: its module name, relative to the folder of the code."""
        self._files[main.module] = main
        for parent in _parents(main.module) if main.module == dotted else ():
            self._follow(parent)
        self._read_imports(main)
        first, *others = self._files.values()
        packages = sorted(self._others - OURS - set(sys.stdlib_module_names))
        return Sources(
            (first, *sorted(others, key=lambda each: each.module)), str(self._root), tuple(packages)
        )

    def _follow(self, name: str) -> bool:
        """If `name` is a local module, read it, its parent packages and its imports. Returns whether it is local."""
        if name in self._files:
            return True
        found = locate(name, self._root)
        if found is None:
            return False
        path, is_package = found
        text = _read(path) if path.suffix == ".py" else ""
        file = SourceFile(name, str(path), _shown(path, self._root), text, is_package)
        self._files[name] = file
        for parent in _parents(name):
            self._follow(parent)
        self._read_imports(file)
        return True

    def _read_imports(self, file: SourceFile) -> None:
        try:
            imports = imported_by(file.text, file.module, is_package=file.is_package)
        except (SyntaxError, ValueError) as error:
            line, why = getattr(error, "lineno", None), getattr(error, "msg", error)
            raise UnknownTaskError(f"{file.path}{f':{line}' if line else ''} is no Python: {why}.") from None
        for wanted in imports:
            if not self._follow(wanted[0]):
                self._others.add(wanted[0].partition(".")[0])
            for name in wanted[1:]:
                self._follow(name)


def _place_of(path: Path) -> tuple[Path, str]:
    """The folder from which a file is imported, and its dotted name there."""
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


def _parents(name: str) -> Sequence[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnknownTaskError(f"{path}: can't be read ({error}).") from error


def _keras_is_on_torch() -> bool:
    return os.environ.get("KERAS_BACKEND") == "torch"


def _told(error: BaseException, sources: Sources) -> str:
    """The error, and the line of the user's own code in which it was raised."""
    traced, ours = traceback.extract_tb(error.__traceback__), {each.path for each in sources.files}
    frames = [each for each in traced if each.filename in ours]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    remedy = f" {NO_ARGUMENTS}" if asks_for_arguments(error) else ""
    if isinstance(error, ImportError) and "relative import" in str(error):
        remedy = " Remove the dot of the import, or put a file __init__.py beside the code."
    if isinstance(error, SystemExit) and not remedy:
        remedy = ' Put what ends the program below `if __name__ == "__main__":`.'
    return f"{type(error).__name__}: {error}{where}.{remedy}"
