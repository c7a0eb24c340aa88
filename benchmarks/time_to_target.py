"""How soon a good configuration is found: ours, plain Optuna and Ray Tune, on one machine, in turn.

    python -m benchmarks.time_to_target [--problem NAME …] [--system NAME …] [--seeds 5] [--minutes 15] [--again]
    python -m benchmarks.time_to_target --write

Every system searches the same problem (`benchmarks/peers/problem.py`: a task, its rows, a space that is wide in the learning
rate, 20 trials of so many rounds) by a script of its own in `benchmarks/peers/`, with two workers. Seconds are counted from
the start of the command, so that imports, Ray's start and the reading of data count. A cell (problem, system, seed) is an
entry of a file in `benchmarks/results/time_to_target/`; a cell that is there is left alone, and with --minutes no new one
begins after this time. Cells during which other work used more than half a core are marked. --write puts tables and
the picture into docs/performance.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.problem import PROBLEMS, Problem
from benchmarks.peers.round_log import LoggedRound, RoundLog
from benchmarks.process_tree import run_measured

RESULTS = Path(__file__).parent / "results" / "time_to_target"
SYSTEMS = {  # as they are called in tables, and their scripts
    "ours": "ours",
    "ours, no default trial": "ours_without_default",
    "ours, --schedule thaw": "ours_thaw",
    "Optuna": "optuna_peer",
    "Ray Tune": "ray_tune_peer",
}
Cell = dict[str, Any]


def measure(problem: Problem, system: str, seed: int) -> Cell:
    """One cell. Raises RuntimeError where the script failed."""
    script = SYSTEMS[system]
    with tempfile.TemporaryDirectory(prefix="target-") as folder:
        log, output = RoundLog(Path(folder) / "rounds"), Path(folder) / "output"
        command = [sys.executable, "-m", f"benchmarks.peers.{script}", problem.name]
        command += ["--trials", str(problem.trials), "--seed", str(seed), "--log", str(log.path)]
        start = time.time()
        usage = run_measured(command, problem.limit_seconds, output)
        rounds = log.read()
        if not rounds or (usage.exit_status and not usage.is_cut_off):
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read_text()[-3000:]}")
    return {
        "system": system,
        "seed": seed,
        "date": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="minutes"),
        **{name: _rounded(value) for name, value in dataclasses.asdict(usage).items()},
        "first_round": round(rounds[0].at - start, 1),
        "trials": len({each.trial for each in rounds}),
        "rounds": len(rounds),
        "best": rises(rounds, start),
    }


def rises(rounds: list[LoggedRound], start: float) -> list[tuple[float, float]]:
    """Whenever the best score so far rose: seconds since the start, and the score."""
    found: list[tuple[float, float]] = []
    for each in rounds:
        if not found or each.score > found[-1][1]:
            found.append((round(each.at - start, 1), round(each.score, 5)))
    return found


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def stored(name: str) -> list[Cell]:
    """The cells of a problem."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def store(name: str, cell: Cell) -> None:
    """Keep a cell, in place of an older one; each stands in a line."""
    others = [
        each for each in stored(name) if (each["system"], each["seed"]) != (cell["system"], cell["seed"])
    ]
    order = list(SYSTEMS)
    cells = sorted([*others, cell], key=lambda each: (each["seed"], order.index(each["system"])))
    RESULTS.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(each) for each in cells)
    (RESULTS / f"{name}.json").write_text(f"[\n{lines}\n]\n")


def run_cells(problems: list[str], systems: list[str], seeds: int, minutes: float, *, again: bool) -> None:
    """The missing cells, the systems in turn within each seed of a problem; or all of them again."""
    end = time.monotonic() + 60 * minutes
    for seed in range(seeds):
        for name in problems:
            there = {each["system"] for each in stored(name) if each["seed"] == seed and not again}
            for system in systems:
                if system in there:
                    continue
                if time.monotonic() > end:
                    return
                cell = measure(PROBLEMS[name], system, seed)
                store(name, cell)
                print(name, json.dumps(cell), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problem", action="append", choices=list(PROBLEMS))
    parser.add_argument("--system", action="append", choices=list(SYSTEMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--again", action="store_true", help="Measure cells again that are there.")
    parser.add_argument("--write", action="store_true", help="Measure nothing; write tables and picture.")
    wanted = parser.parse_args()
    if wanted.write:
        from benchmarks.time_to_target_page import write

        write()
        return
    run_cells(
        wanted.problem or list(PROBLEMS),
        wanted.system or list(SYSTEMS),
        wanted.seeds,
        wanted.minutes,
        again=wanted.again,
    )


if __name__ == "__main__":
    main()
