"""Remembers which code of their own users have launched, so that a file from somebody else can't run other code.

An exported configuration names the path of the code that trained it. A person who sends such a file could name any code
on this machine, or code that they sent with it. So the code runs only if the same user has launched exactly this text
at the same path before, or says that it is trusted. A database needs no such check, because a person who can write to
it can change its studies anyway.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from objectives.errors import UntrustedCodeError
from objectives.home import home
from objectives.source_code import Sources

_NAME = "known_code.txt"


def note(sources: Sources) -> None:
    """Remember that the user has launched this code. If the record can't be written, do nothing."""
    if not is_known(sources):
        with contextlib.suppress(OSError):
            _file().parent.mkdir(parents=True, exist_ok=True)
            with _file().open("a", encoding="utf-8") as known:
                known.write(f"{_mark(sources)} {json.dumps(sources.main.path)}\n")


def is_known(sources: Sources) -> bool:
    """Whether the user has launched this code before: the same files at the same places, with the same text."""
    try:
        lines = _file().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.partition(" ")[0] == _mark(sources) for line in lines)


def check_known(sources: Sources, recorded: Mapping[str, str] | None = None) -> None:
    """Raises UntrustedCodeError for code that the user has not launched before.

    recorded: digests of its files at the time of the recorded training. The message names the files that have changed.
    """
    if is_known(sources):
        return
    now = sources.digests
    changed = [name for name, digest in (recorded or {}).items() if now.get(name, digest) != digest]
    why = (
        f"{' and '.join(changed)} {'has' if len(changed) == 1 else 'have'} changed since the recorded training, and "
        "the code was not launched here like this."
        if changed
        else "This code was never launched here, or has changed since."
    )
    raise UntrustedCodeError(f"it names the code {sources.main.path}, which would be run. {why}")


def _file() -> Path:
    return home() / _NAME


def _mark(sources: Sources) -> str:
    files = [[each.module, each.path, each.text] for each in sources.files]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()
