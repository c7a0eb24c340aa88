"""Trials an hour of `sweep launch mnist_mlp` by how many share a GPU, and on the CPU beside it.

    python -m benchmarks.gpus [--trials 48] [--rounds 2] [--per-gpu 1,2,4,8] [--cpu-workers 8] [--write]

The same trials each time (random points, stop rule off), on all of MNIST, from the first one's start to the last one's end,
so that no start of Ray is counted. --write keeps the figures, of one kind of GPU, which docs/performance.md shows.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.overhead import Clock
from benchmarks.stopping_page import with_block

RESULTS = Path(__file__).parent / "results" / "gpus.json"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MOST = 16  # the studies' parallelism


def measure(trials: int, rounds: int, workers: int, gpus: float) -> dict[str, Any]:
    """Trials an hour, and what tells whether they were the same."""
    from sweeps import RunSettings, StudySettings
    from sweeps.sweep import launch

    settings = StudySettings(
        "mnist_mlp",
        data="mnist",
        sampler="random",
        stop_rule="none",
        rounds=rounds,
        parallelism=MOST,
        gpus_per_trial=gpus,
    )
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="gpus-") as folder:
        os.environ["SWEEP_HOME"] = folder  # of this process alone
        run = RunSettings(num_trials=trials, workers=workers, keep_weights="none")
        study = launch(settings, run, watcher=clock).study
        best = study.best()
        memory = study.rounds()["peak_memory_bytes"].max()
        device = next(iter(study.provenance["environments"].values()))["device_name"]
    return {
        "device": device,
        "workers": workers,
        "gpus_per_trial": gpus,
        "trials": trials,
        "rounds": rounds,
        "trials_per_hour": trials / (clock.ends[-1] - clock.starts[0]) * 3600,
        "best_trial": best.number,
        "best_score": best.value,
        "peak_memory_mib": round(memory / 2**20),
    }


def table(cells: list[dict[str, Any]]) -> str:
    """The figures in Markdown; ratios to the first row."""
    lines = [
        "| device | trials at once | trials an hour | of the first | best trial |",
        "|---|---|---|---|---|",
    ]
    for cell in cells:
        ratio = cell["trials_per_hour"] / cells[0]["trials_per_hour"]
        lines.append(
            f"| {cell['device']} | {cell['workers']} | {cell['trials_per_hour']:,.0f} | {ratio:.2f} | "
            f"{cell['best_trial']}: {cell['best_score']:.4f} |"
        )
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table of the figures that were kept."""
    return with_block(page, "gpus", table(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-gpu", default="1,2,4,8")
    parser.add_argument("--cpu-workers", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="Keep the figures, and show them in the page.")
    wanted = parser.parse_args()
    cells = [
        measure(wanted.trials, wanted.rounds, sharing, 1 / sharing)
        for sharing in map(int, wanted.per_gpu.split(","))
    ]
    if wanted.cpu_workers:
        cells.append(measure(wanted.trials, wanted.rounds, wanted.cpu_workers, 0.0))
    if wanted.write:
        RESULTS.write_text(json.dumps(cells, indent=1) + "\n")
        PAGE.write_text(with_table(PAGE.read_text()))
    print(json.dumps(cells))
    print(table(cells))


if __name__ == "__main__":
    main()
