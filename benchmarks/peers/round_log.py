"""What every system writes down of each round: when it ended, of which trial, and its validation score."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers.problem import PROBLEMS


@dataclass(frozen=True)
class LoggedRound:
    """at: seconds of the clock (`time.time`), which all processes of a machine have in common."""

    at: float
    trial: str
    score: float


@dataclass(frozen=True)
class RoundLog:
    """A file to which several processes append; a line is written at once, so lines do not mix."""

    path: Path

    def add(self, trial: str, score: float) -> None:
        """Note a round that has just ended."""
        line = json.dumps(asdict(LoggedRound(time.time(), trial, score))) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)

    def read(self) -> list[LoggedRound]:
        """All rounds so far, in the order in which they ended."""
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()
        return sorted((LoggedRound(**json.loads(line)) for line in lines), key=lambda each: each.at)


def run_script(search: Callable[[str, int, int, RoundLog], None], description: str | None) -> None:
    """The command line of every system: `search(problem, trials, seed, log)`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problem", choices=list(PROBLEMS))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="File for the rounds.")
    given = parser.parse_args()
    search(given.problem, given.trials, given.seed, RoundLog(given.log.resolve()))
