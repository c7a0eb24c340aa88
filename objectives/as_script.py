"""Runs a user's own code as if it had been started by `python PATH`, without arguments."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

MODULE_PREFIX = "sweep_task_"  # of the names under which swept files are imported
NO_ARGUMENTS = (
    "Code that is swept gets no command-line arguments: give each argument a default, or parse them below `if __name__ "
    '== "__main__":`.'
)


def asks_for_arguments(error: BaseException) -> bool:
    """Whether code ended or failed because it got no command-line arguments, as with argparse or `sys.argv[1]`."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SystemExit):
        return error.code == 2 or any(Path(each.filename).stem == "argparse" for each in frames)
    return isinstance(error, IndexError) and bool(frames) and "argv" in (frames[-1].line or "")


def lost_its_module(error: BaseException | None) -> str:
    """What to do, if another process could not import a swept file; empty for any other error.

    Processes that are not forked (those of joblib, or of multiprocessing's `spawn`) import functions and classes by
    their names.
    """
    while error is not None:
        if f"No module named '{MODULE_PREFIX}" in str(error):
            return (
                "Another process that the code started can't import the swept file. Put the functions and classes that "
                "it needs into a module beside the file, and import them from there."
            )
        error = error.__cause__ or error.__context__
    return ""


def ended_itself(error: BaseException) -> str:
    """What to write instead, where code has ended the program; empty for any other error."""
    if isinstance(error, SystemExit):
        return (
            f"The code called sys.exit({error.code!r}): return from the function, or raise an error, instead."
        )
    return ""


@contextlib.contextmanager
def as_script(path: str) -> Iterator[None]:
    """Inside the `with` block, `sys.argv` is that of `python PATH`, so that code does not see our own arguments."""
    ours, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = ours
