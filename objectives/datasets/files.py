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

from objectives.errors import DataError, MissingDataError

CONNECT_SECONDS = 5.0
_BLOCK_BYTES = 1 << 18


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Hexadecimal digest; for telling damage, not for secrecy."""
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()


def download(url: str, target: Path, *, tell: Callable[[str], None] | None = None) -> None:
    """Fetch `url` into `target`, whole or not at all; a partial file is continued on the next call.

    Raises MissingDataError when there is no way to the server, naming the file, its source and its place.
    """
    tell = tell or (lambda line: print(line, file=sys.stderr))
    partial = target.with_name(target.name + ".partial")
    try:
        have = partial.stat().st_size if partial.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as response:
            continues = response.status == 206
            total = int(response.headers.get("Content-Length") or 0) + (have if continues else 0)
            tell(f"downloading {url} ({total / 1e6:.1f} MB) to {target}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("ab" if continues else "wb") as out:
                while block := response.read(_BLOCK_BYTES):
                    out.write(block)
            if total and partial.stat().st_size < total:
                raise DataError(f"{url}: cut short; launch again to continue the download.")
        os.replace(partial, target)  # noqa: PTH105
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        if (
            isinstance(error, urllib.error.HTTPError)
            and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            partial.unlink()  # it holds all there is, or more: begin again, without a range
            return download(url, target, tell=tell)
        raise MissingDataError(
            f"{target.name} is not in the data root and can't be downloaded ({error}). "
            f"Fetch {url} where there is a network and put it at {target}."
        ) from error
    except OSError as error:
        raise DataError(
            f"{target}: can't be written ({error.strerror}). Choose another --data-dir."
        ) from error
