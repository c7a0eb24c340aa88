"""Measures how long `sweep report` takes for a study of 1,000 trials with 50 rounds each, with start and imports.

    python -m benchmarks.report_time [--trials 1000] [--rounds 50] [--repeats 5]

docs/performance.md has the figures.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import long_study


def measure(storage: str, page: Path) -> tuple[float, float]:
    """Wall-clock seconds and CPU seconds of one report in a new process."""
    words = ["report", long_study.NAME, "--storage", storage, "-o", str(page)]
    used, begun = _used(), time.perf_counter()
    code = "from sweeps.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, *words], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun, _used() - used


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storage, page = f"sqlite:///{folder}/long.db", Path(folder) / "report.html"
        long_study.build(given.trials, rounds=given.rounds, storage=storage)
        found = [measure(storage, page) for _ in range(given.repeats)]
        wall, cpu = (statistics.median(side) for side in zip(*found, strict=True))
        print(
            f"{wall:.2f} s, {cpu:.2f} s of the CPU, {page.stat().st_size / 1e6:.2f} MB (medians of {given.repeats})"
        )


if __name__ == "__main__":
    main()
