"""Finds the files of data sets in the data folder or downloads them, and checks them."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from objectives.datasets.progress import progress
from objectives.errors import DataError, MissingDataError, UnwritableDataError

CONNECT_SECONDS = 5.0
_BLOCK_BYTES = 1 << 18


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Hexadecimal digest, to detect damage; it is not for security."""
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()


def check_published(content: bytes, wanted: str, flaw: str, source: str, algorithm: str = "sha256") -> None:
    """Raises DataError if `content` is not the published file.

    wanted: the digest of the published file, or the beginning of it. flaw: the beginning of the message ("… is not
    text8"). source: the URL of the published file.
    """
    if not digest_of(content, algorithm).startswith(wanted):
        raise DataError(
            f"{flaw}: its digest differs, so it is damaged or cut short. Remove it and launch again to download it, or "
            f"fetch {source} yourself."
        )


def digest_of_file(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file of any size. Raises DataError if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror}).") from error


def download(
    url: str, target: Path, *, md5: str | None = None, tell: Callable[[str], None] | None = None
) -> None:
    """Download `url` to `target`, which appears only when it is complete. The next call continues a partial download.

    If another process is downloading it, wait for that process. md5: of the whole file, if published; a file with
    another md5 is deleted. Raises MissingDataError if the server can't be reached; its message names the file, its
    source and the place for it. Raises DataError for a wrong file.
    """
    tell = tell or (lambda line: print(line, file=sys.stderr))
    partial = target.with_name(target.name + ".partial")
    try:
        while not _fetch(url, target, partial, md5, tell):
            pass
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        if (
            isinstance(error, urllib.error.HTTPError)
            and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            partial.unlink(missing_ok=True)  # the file is complete or too long: start again, without a range
            return download(url, target, md5=md5, tell=tell)
        kept = " The part downloaded so far is kept. Launch again to continue, or" if partial.exists() else ""
        raise MissingDataError(
            f"{target.name} is not in the data folder and can't be downloaded ({error}).{kept} "
            f"{'download' if kept else 'Download'} {url} on a machine with a network and put it at {target}."
        ) from error
    except OSError as error:
        raise UnwritableDataError(f"{target}: can't be written ({error.strerror}).") from error


def _fetch(url: str, target: Path, partial: Path, md5: str | None, tell: Callable[[str], None]) -> bool:
    """Download the rest of `partial` and move it to its place; False if another process has done this meanwhile."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as response:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(partial, tell) as out:
            if target.exists():  # by the other process
                partial.unlink()
                return True
            if out.tell() != have:
                return False
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                out.truncate(0)
                have = out.seek(0)
            length = int(response.headers.get("Content-Length") or 0)
            total = length + have if length else 0
            tell(f"downloading {url} ({total / 1e6:.1f} MB) to {target}")
            with progress(target.name, total, done=have, in_bytes=True) as advance:
                while block := response.read(_BLOCK_BYTES):
                    out.write(block)
                    advance(len(block))
            out.flush()
            if total and out.tell() < total:
                raise DataError(f"{url}: the download broke off. Launch again to continue it.")
            _put_in_place(url, partial, target, md5)
            return True


def _put_in_place(url: str, partial: Path, target: Path, md5: str | None) -> None:
    if md5 is not None and digest_of_file(partial, "md5") != md5:
        partial.unlink()
        raise DataError(
            f"{url} sent a file that is not the published one (its md5 is not {md5}), "
            f"so it was deleted. Launch again, or download the file elsewhere and put it at {target}."
        )
    os.replace(partial, target)  # noqa: PTH105


@contextmanager
def _locked(partial: Path, tell: Callable[[str], None]) -> Iterator[BinaryIO]:
    """The partial file, opened for appending and locked by this process."""
    while True:
        with partial.open("ab") as out:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell(f"{partial} is being downloaded by another process: waiting for it")
                fcntl.flock(out, fcntl.LOCK_EX)
            except OSError:
                pass  # a file system without locks
            if not partial.exists() or not os.path.samestat(os.fstat(out.fileno()), partial.stat()):
                continue  # another process moved or deleted it while this process waited
            out.seek(0, os.SEEK_END)
            yield out
            return
