"""What a user of the command line can do about an error of a lower package, which knows no commands and no options."""

from __future__ import annotations

from objectives.errors import UnwritableDataError
from storage.errors import (
    GivenUp,
    LeaseHeld,
    LeaseLost,
    NoDatabase,
    ReadOnlyDatabase,
    StudyDeleted,
    StudyNotFound,
    UnusableFile,
)

_REMEDIES: dict[type[Exception], str] = {
    GivenUp: "When it is reachable again, continue with `sweep resume`.",
    LeaseHeld: "Watch it with `sweep status --watch`, or end it with `sweep stop`.",
    StudyDeleted: "",
    LeaseLost: "`sweep status` shows the study.",
    NoDatabase: "`sweep launch` creates one; name another with --storage or SWEEP_STORAGE.",
    ReadOnlyDatabase: "Choose another place with --storage.",
    StudyNotFound: "`sweep studies` lists all studies.",
    UnusableFile: "Or choose another database with --storage.",
    UnwritableDataError: "Choose another --data-dir.",
}


def with_remedy(error: Exception) -> str:
    """The message of an error, and what can be done about it on the command line."""
    remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), "")
    return f"{error} {remedy}".rstrip()
