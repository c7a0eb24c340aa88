"""Files of data sets: looked for in the data root, else downloaded, checked either way."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from objectives.datasets.progress import progress
from objectives.errors import DataError, MissingDataError

CONNECT_SECONDS = 5.0
_BLOCK_BYTES = 1 << 18


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Hexadecimal digest; for telling damage, not for secrecy."""
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()


def digest_of_file(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's content, whatever its size. Raises DataError when it can't be read."""
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
    """Fetch `url` into `target`, whole or not at all; a partial file is continued on the next call.

    md5: of the whole file, where it is published; another file is not kept. Raises MissingDataError when there
    is no way to the server, naming the file, its source and its place, and DataError for a wrong file.
    """
    tell = tell or (lambda line: print(line, file=sys.stderr))
    partial = target.with_name(target.name + ".partial")
    try:
        _fetch(url, target, partial, tell)
        if md5 is not None and digest_of_file(partial, "md5") != md5:
            partial.unlink()
            raise DataError(
                f"{url} sent another file than the one that was published (its md5 is not {md5}), "
                f"so it was not kept. Launch again, or fetch it elsewhere and put it at {target}."
            )
        os.replace(partial, target)  # noqa: PTH105
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        if (
            isinstance(error, urllib.error.HTTPError)
            and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            partial.unlink()  # it holds all there is, or more: begin again, without a range
            return download(url, target, md5=md5, tell=tell)
        kept = " What came so far is kept: launch again to go on, or" if partial.exists() else ""
        raise MissingDataError(
            f"{target.name} is not in the data root and can't be downloaded ({error}).{kept} "
            f"{'fetch' if kept else 'Fetch'} {url} where there is a network and put it at {target}."
        ) from error
    except OSError as error:
        raise DataError(
            f"{target}: can't be written ({error.strerror}). Choose another --data-dir."
        ) from error


def _fetch(url: str, target: Path, partial: Path, tell: Callable[[str], None]) -> None:
    """What is still missing of `partial`."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as response:
        done = have if response.status == HTTPStatus.PARTIAL_CONTENT else 0
        total = int(response.headers.get("Content-Length") or 0)
        total += done if total else 0
        tell(f"downloading {url} ({total / 1e6:.1f} MB) to {target}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            partial.open("ab" if done else "wb") as out,
            progress(target.name, total, done=done, in_bytes=True) as advance,
        ):
            while block := response.read(_BLOCK_BYTES):
                out.write(block)
                advance(len(block))
        if total and partial.stat().st_size < total:
            raise DataError(f"{url}: cut short; launch again to continue the download.")
