"""Lists and reads files in a folder or a tar. Nothing is unpacked to disk.

Names are relative, with slashes. Hidden files, and files that macOS adds to an archive, are ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import stat
import tarfile
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from objectives.datasets.files import digest_of_file
from objectives.errors import DataError

LARGEST_BYTES = 1 << 26  # limit for one file: twice a batch of CIFAR-10, and much more than any image here
_HASHED_BYTES = 1 << 30  # a smaller archive is identified by its content, which takes 0.6 s for 1 GB
_SETTLED_SECONDS = 2.0  # the coarsest clock of a file system (FAT's)
_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError)


class Tree(ABC):
    """The files of a folder or an archive."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> list[str]:
        """All files, sorted. Raises DataError if they can't all be listed, or if one is not a plain file."""

    @abstractmethod
    def contents(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each of `names` with its content, in the order that is fastest to read. Raises DataError as above."""

    @abstractmethod
    def fingerprint(self) -> str | None:
        """A key that is the same for the same content; None while the content may change unnoticed."""


def open_tree(path: Path) -> Tree:
    """The files of a folder, or of a tar, plain or compressed."""
    return Folder(path) if path.is_dir() else Tar(path)


class Folder(Tree):
    """A folder on disk. A link to a file counts as that file; a link to a folder is refused."""

    def names(self) -> list[str]:
        """All files, sorted."""
        return sorted(self._files())

    def contents(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each of `names` with its content, in the given order."""
        for name in names:
            try:
                _check_size(self.path, name, (self.path / name).stat().st_size)
                content = (self.path / name).read_bytes()
            except OSError as error:
                raise DataError(f"{self.path / name} can't be read ({error.strerror}).") from error
            yield name, content

    def fingerprint(self) -> str | None:
        """A key made from names, sizes and times, because reading 100,000 files at each launch would be too slow.

        Every change of a file updates its change time, which users can't set (unlike the modification time). The clock
        of a file system is coarse, so a folder that was changed less than two seconds ago has no key yet.
        """
        return _known_by_times(self.path, self._files())

    def _files(self) -> dict[str, os.stat_result]:
        found = {}
        for folder, folders, files in os.walk(self.path, onerror=self._refuse):
            folders[:] = filter(_is_visible, folders)
            for path in (Path(folder, name) for name in folders):
                if path.is_symlink():
                    raise DataError(f"{path} is a link to a folder. Put the folder itself there.")
            for path in (Path(folder, name) for name in files if _is_visible(name)):
                found[path.relative_to(self.path).as_posix()] = self._status(path)
        return found

    def _status(self, path: Path) -> os.stat_result:
        try:
            status = path.stat()
        except OSError as error:
            self._refuse(error)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is neither a file nor a folder: remove it.")
        return status

    def _refuse(self, error: OSError) -> None:
        raise DataError(f"{error.filename} can't be read ({error.strerror}).") from error


class Tar(Tree):
    """The files of a tar, plain or compressed. Absolute names, `..`, links and devices are refused."""

    def names(self) -> list[str]:
        """All files, sorted."""
        return sorted(self._members)

    def contents(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each of `names` with its content, read in one pass in the archive's order."""
        members = sorted(((self._members[name], name) for name in names), key=lambda m: m[0].offset_data)
        with self._opened() as tar:
            for member, name in members:
                _check_size(self.path, name, member.size)
                file = tar.extractfile(member)
                assert file is not None, name  # plain files only, see _checked
                content = file.read()
                if len(content) < member.size:
                    raise EOFError(f"{name!r} has {len(content)} of {member.size} bytes")
                yield name, content

    def fingerprint(self) -> str | None:
        """A key made from the content; for archives above 1 GiB, from size and times."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise DataError(f"{self.path} can't be read ({error.strerror}).") from error
        if status.st_size > _HASHED_BYTES:
            return _known_by_times(self.path, {"": status})
        return digest_of_file(self.path)

    @cached_property
    def _members(self) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        with self._opened() as tar:
            for member in tar:
                name = self._checked(member)
                if member.isdir() or not all(map(_is_visible, name.split("/"))):
                    continue
                if name in found:
                    raise DataError(f"{self.path}: {name!r} occurs twice in it.")
                found[name] = member
            _read_to_the_end(tar)
        return found

    def _checked(self, member: tarfile.TarInfo) -> str:
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise DataError(f"{self.path}: {member.name!r} points outside the archive. Do not use this file.")
        if not (member.isfile() or member.isdir()):
            raise DataError(f"{self.path}: {member.name!r} is a link or a device, not a plain file.")
        return name.as_posix()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with tarfile.open(self.path) as tar:
                yield tar
        except _DAMAGE as error:
            first_line = str(error).partition(":\n")[0]
            raise DataError(
                f"{self.path} can't be read to its end ({first_line}): it is damaged or cut short. "
                "Remove it, or replace it with an intact copy."
            ) from error


def _read_to_the_end(tar: tarfile.TarFile) -> None:
    """Raises if members may be missing, which `tarfile` does not notice, or if a checksum is wrong."""
    file = tar.fileobj
    assert file is not None
    file.seek(tar.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("no end of archive after the last member")
    while file.read(1 << 20):
        pass


def _check_size(path: Path, name: str, size_bytes: int) -> None:
    if size_bytes > LARGEST_BYTES:
        raise DataError(
            f"{path}: {name!r} has {size_bytes / 1e6:,.0f} MB, which is more than any file of this data set has."
        )


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _known_by_times(path: Path, files: dict[str, os.stat_result]) -> str | None:
    latest = max((status.st_ctime for status in files.values()), default=0.0)
    if time.time() - latest < _SETTLED_SECONDS:
        return None
    digest = hashlib.sha256(os.fsencode(path.resolve()))
    for name, status in sorted(files.items()):
        times = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        digest.update(os.fsencode(f"\0{name}\0{times}"))
    return digest.hexdigest()
