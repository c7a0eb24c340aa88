"""Notices about trials on stderr. Each kind is printed for the first trial only, because many may have the same."""

from __future__ import annotations

import sys
from collections.abc import Collection

from objectives.spelling import did_you_mean
from sweeps.trial.verdict import Failure


class Notices:
    """Prints each kind of notice once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def starts_over(self, number: int, why: str) -> None:
        """Tell that the state of a trial can't be saved, so an interrupted trial starts again from its first round."""
        self._tell_once(
            "starts over",
            f"trial {number} starts again from its first round if it is interrupted: {why}. "
            "This may also hold for other trials.",
        )

    def failed_afterwards(self, number: int, failure: Failure) -> None:
        """Tell that the code of a trial failed after the trial had ended."""
        self._tell_once(
            "failed afterwards",
            f"trial {number} has ended and its figures are valid, but the code failed after the last round: "
            f"{failure.in_short}. This may also hold for other trials; `sweep show` tells it for each trial.\n"
            f"{failure.traceback}",
        )

    def unasked(self, names: Collection[str], asked: Collection[str]) -> None:
        """Tell which parameters (`names`) are fixed, although no trial of the Optuna objective has asked for them."""
        for name in names:
            self._tell_once(
                f"unasked {name}",
                f"no trial has asked for {name!r}, which is fixed{did_you_mean(name, asked)} The objective asks for: "
                f"{', '.join(asked) or 'nothing'}.",
            )

    def _tell_once(self, kind: str, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            print(f"sweep: {text}".rstrip(), file=sys.stderr)
