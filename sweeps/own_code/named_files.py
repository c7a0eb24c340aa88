"""The files named in `files=` of a declaration. Like the code, they decide results: data, or code loaded by a path."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from objectives.errors import CodeError
from objectives.source_code import Sources
from sweeps.own_code.find import OwnCode, OwnObjective


def with_files(code: OwnCode, found: OwnObjective) -> OwnCode:
    """The code, with the digests of the files that its declaration names. Raises CodeError if one can't be read."""
    return dataclasses.replace(
        code, sources=dataclasses.replace(code.sources, named=digests(code.sources, found))
    )


def digests(sources: Sources, found: OwnObjective) -> tuple[tuple[str, str], ...]:
    """Each name in `files=`, and the first 12 hexadecimal digits of the SHA-256 of its present content."""
    home = Path(sources.main.path).parent
    return tuple((name, _digest(home / name, name)) for name in found.files)


def _digest(path: Path, name: str) -> str:
    """The digest of a file, or of all files of a folder and their names. Raises CodeError if one can't be read."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    try:
        for each in files:
            whole.update(each.relative_to(path).as_posix().encode())
            with each.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
    except OSError as error:
        raise CodeError(
            f"files={name!r}: {path} can't be read ({error.strerror}). Paths start from the folder of the code."
        ) from None
    return whole.hexdigest()[:12]
