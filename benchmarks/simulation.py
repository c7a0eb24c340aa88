"""Runs thousands of schedules of the simulation (`tests/simulation`), in pieces whose results are stored.

    python -m benchmarks.simulation [--most 10000] [--minutes 14] [--write]

Each piece runs 100 seeds. Its result is stored in benchmarks/results/simulation.json; stored pieces are not run again.
--write puts the figures into docs/reproducibility.md. If a schedule breaks a promise, the command ends and names its
seed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.page_blocks import with_block

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "simulation.json"
PAGE = HERE.parent / "docs" / "reproducibility.md"
PIECE = 100


def measure(first: int, folder: Path) -> dict[str, Any]:
    """Run one piece. Raises AssertionError if a schedule breaks a promise."""
    from tests.simulation.schedules import Schedules

    schedules = Schedules(folder)
    start = time.process_time()
    for seed in range(first, first + PIECE):
        schedules.run(seed)
    reached = {": ".join(state): times for state, times in sorted(schedules.reached.items())}
    return {"cpu_seconds": time.process_time() - start, "reached": reached, "date": time.strftime("%Y-%m-%d")}


def summary(pieces: dict[str, Any]) -> str:
    """Sentences on how many schedules and states all pieces have covered."""
    reached: Counter[str] = Counter()
    for piece in pieces.values():
        reached.update(piece["reached"])
    kinds, doings = ({state.split(": ")[part] for state in reached} for part in (0, 1))
    seconds = sum(piece["cpu_seconds"] for piece in pieces.values())
    number = PIECE * len(pieces)
    return (
        f"{number:,} schedules held (seeds 0 to {number - 1:,}; {seconds / number:.2f} s of CPU each), and "
        f"{sum(reached.values()):,} times something broke: {len(kinds)} kinds of fault while a driver did one of "
        f"{len(doings)} things. Of these {len(kinds) * len(doings)} states, {len(reached)} were reached "
        f"({len(reached) / (len(kinds) * len(doings)):.0%})."
    )


def with_summary(page: str) -> str:
    """The page with the stored figures."""
    return with_block(page, "simulation", summary(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=10_000, help="Seeds.")
    parser.add_argument("--minutes", type=float, default=14.0, help="After this time, begin no new piece.")
    parser.add_argument("--write", action="store_true", help="Show the figures in the page.")
    wanted = parser.parse_args()
    pieces = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    deadline = time.monotonic() + 60 * wanted.minutes
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWEEP_HOME"] = folder
        for first in range(0, wanted.most, PIECE):
            if str(first) not in pieces and time.monotonic() < deadline:
                pieces[str(first)] = measure(first, Path(folder))
                RESULTS.write_text(json.dumps(pieces, indent=1) + "\n")
                print(f"seeds {first} to {first + PIECE - 1} hold", file=sys.stderr)
    print(summary(pieces))
    if wanted.write:
        PAGE.write_text(with_summary(PAGE.read_text()))


if __name__ == "__main__":
    main()
