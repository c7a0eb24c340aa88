"""`python -m tests.simulation SEED [MORE]`: runs one schedule, or so many from it on; tells its history."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.simulation.schedules import Schedules


def main(first: int, number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWEEP_HOME"] = folder
        schedules = Schedules(Path(folder))
        start, cpu = time.monotonic(), time.process_time()
        for seed in range(first, first + number):
            world = schedules.run(seed)
        if number == 1:
            print(*world.told, sep="\n")
        print(
            f"{number} schedules, {time.monotonic() - start:.1f} s, {time.process_time() - cpu:.1f} s of CPU"
        )
        print(f"{len(schedules.reached)} states: {dict(sorted(schedules.reached.items()))}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
