"""Somebody's own code believes that it was started by itself, without arguments."""

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
    """Whether code was ended by the lack of command-line arguments, as argparse does, or failed for it."""
    if isinstance(error, SystemExit):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, IndexError) and bool(frames) and "argv" in (frames[-1].line or "")


@contextlib.contextmanager
def as_script(path: str) -> Iterator[None]:
    """Within, `sys.argv` is that of `python PATH`: the arguments of this service are not the code's."""
    ours, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = ours
