"""What the driver tells a person on stderr about a trial: the first time only, as many trials may have the same."""

from __future__ import annotations

import sys

from sweeps.trial.verdict import Failure


class Notices:
    """Prints each kind of notice once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def starts_over(self, number: int, why: str) -> None:
        """The state of a trial can't be kept."""
        self._tell_once(
            "starts over",
            f"trial {number} starts again from its first round if it is interrupted: {why}. "
            "This may also hold for other trials.",
        )

    def failed_afterwards(self, number: int, failure: Failure) -> None:
        """The code of a trial failed after its end."""
        self._tell_once(
            "failed afterwards",
            f"trial {number} has ended and its figures stand, but the code failed after the last round: "
            f"{failure.in_short}. This may also hold for other trials; `sweep show` says it of each.\n"
            f"{failure.traceback}",
        )

    def _tell_once(self, kind: str, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            print(f"sweep: {text}".rstrip(), file=sys.stderr)
