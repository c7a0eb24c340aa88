"""Studies whose workers, driver and database are killed and paused at random moments, in pieces that are kept.

    python -m benchmarks.chaos [--pieces 20] [--minutes 14] [--only sqlite|postgres] [--write]

Each piece is one study of 25 trials on Ray with 10 kills and 4 pauses, of which the seed decides the order and the
moments (`tests/sweeps_tests/driver/chaos.py`). It must come to the table of the same study undisturbed, bit for bit, and
leave nothing behind. It is kept in benchmarks/results/chaos.json, and not run again. --write puts the sums into
docs/reproducibility.md. A piece that breaks a promise ends the command.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.page_blocks import with_block
from sweeps import RunSettings, StudySettings
from sweeps.study.stored_study import Study, load
from sweeps.sweep import launch

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "chaos.json"
PAGE = HERE.parent / "docs" / "reproducibility.md"
DATABASES = ("sqlite", "postgres")
NUM_TRIALS, NUM_KILLS, NUM_PAUSES = 25, 10, 4


def undisturbed() -> Study:
    """The same study in this process."""
    from tests.conftest import TOY, TOY_SPACE
    from tests.sweeps_tests.driver.chaos import HOW

    settings = StudySettings(TOY, space=TOY_SPACE, overrides=HOW)
    return launch(settings, RunSettings(runner="inline", num_trials=NUM_TRIALS), study="undisturbed").study


def measure(database: str, seed: int) -> dict[str, Any]:
    """One piece. Raises AssertionError where it breaks a promise."""
    from tests.postgres import serving
    from tests.sweeps_tests.driver.chaos import STUDY, assert_undisturbed, disturb

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="c"))
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="c"))
        os.environ |= {"SWEEP_HOME": folder, "TMPDIR": temporary, "OMP_NUM_THREADS": "1"}
        storage, kill = f"sqlite:///{folder}/chaos.db", None
        if database == "postgres":
            server = stack.enter_context(serving(our_own=True))
            storage, kill = server.create("chaos"), server.kill
        start = time.monotonic()
        chaos = disturb(storage, NUM_TRIALS, NUM_KILLS, NUM_PAUSES, seed=seed, kill_database=kill)
        seconds = time.monotonic() - start
        assert_undisturbed(load(STUDY, storage), undisturbed())
        assert chaos.killed.total() == NUM_KILLS + NUM_PAUSES
    return {"broken": dict(chaos.killed), "seconds": seconds, "date": time.strftime("%Y-%m-%d")}


def table(pieces: dict[str, Any]) -> str:
    """How often each thing was killed or paused, in all pieces together."""
    totals: dict[str, Counter[str]] = {database: Counter() for database in DATABASES}
    for name, piece in pieces.items():
        totals[name.split()[0]].update(piece["broken"] | {"studies": 1})
    kinds = sorted({kind for total in totals.values() for kind in total} - {"studies"})
    lines = ["| database | studies | " + " | ".join(kinds) + " |", "|---|---" + "|---" * len(kinds) + "|"]
    for database, total in totals.items():
        lines.append(
            f"| {database} | {total['studies']} | " + " | ".join(str(total[k]) for k in kinds) + " |"
        )
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the figures that were kept."""
    return with_block(page, "chaos", table(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pieces", type=int, default=20, help="In each database.")
    parser.add_argument("--minutes", type=float, default=14.0, help="Begin no piece after this time.")
    parser.add_argument("--only", choices=DATABASES, help="One database.")
    parser.add_argument("--write", action="store_true", help="Show the figures in the page.")
    wanted = parser.parse_args()
    pieces = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    deadline = time.monotonic() + 60 * wanted.minutes
    for seed in range(wanted.pieces):
        for name in (f"{each} {seed}" for each in DATABASES if wanted.only in (None, each)):
            if name not in pieces and time.monotonic() < deadline:
                pieces[name] = measure(name.split()[0], seed)
                RESULTS.write_text(json.dumps(pieces, indent=1) + "\n")
                print(f"{name} holds ({pieces[name]['seconds']:.0f} s)", file=sys.stderr)
    print(table(pieces))
    if wanted.write:
        PAGE.write_text(with_table(PAGE.read_text()))


if __name__ == "__main__":
    main()
