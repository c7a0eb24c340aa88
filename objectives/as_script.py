"""Runs a user's own code as if it had been started by `python PATH`, without arguments."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator

NO_ARGUMENTS = (
    "Code that is swept gets no command-line arguments: give each argument a default, or parse them below `if __name__ "
    '== "__main__":`.'
)


def asks_for_arguments(error: BaseException) -> bool:
    """Whether code ended or failed because it got no command-line arguments, as with argparse or `sys.argv[1]`."""
    if isinstance(error, SystemExit):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, IndexError) and bool(frames) and "argv" in (frames[-1].line or "")


@contextlib.contextmanager
def as_script(path: str) -> Iterator[None]:
    """Inside the `with` block, `sys.argv` is that of `python PATH`, so that code does not see our own arguments."""
    ours, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = ours
