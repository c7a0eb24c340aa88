"""Trials per hour of `sweep launch mnist_mlp`, by how many trials share a GPU, and on the CPU for comparison.

    python -m benchmarks.gpus [--trials 64] [--rounds 2] [--per-gpu 1,4] [--packs 1,4,16,64] [--cpu-workers 8] [--write]

Each row trains the same trials (random points, no stop rule) on all of MNIST. The time is from the first trial's start to
the last one's end, without the start of Ray. --per-gpu: processes that share the GPU, with one trial each
(`--gpus-per-trial`). --packs: trials in one process (`--trials-per-gpu`). The rounds of all rows must be equal, bit for bit,
or the benchmark ends with an error. --write stores each row when it is measured, for one kind of GPU, and shows the figures
in docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.overhead import Clock
from benchmarks.page_blocks import with_block

RESULTS = Path(__file__).parent / "results" / "gpus.json"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
UNCOMPARED = ["seconds", "train_rows_per_second", "peak_memory_bytes"]
MOST = 64  # the studies' parallelism


def measure(
    trials: int, rounds: int, workers: int, gpus: float | None, pack: int | None = None
) -> tuple[dict[str, Any], str]:
    """Trials per hour, and the rounds as text. gpus: GPUs of a trial; None if `pack` trials share a process."""
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
        os.environ["SWEEP_HOME"] = folder  # only in this process
        run = RunSettings(num_trials=trials, workers=workers, keep_weights="none", trials_per_gpu=pack)
        study = launch(settings, run, watcher=clock).study
        best = study.best()
        taken = study.rounds().sort_values(["trial", "index"])
        memory = taken["peak_memory_bytes"].max()
        device = next(iter(study.provenance["environments"].values()))["device_name"]
    rounds_text = taken.drop(columns=UNCOMPARED).to_csv(index=False)
    return {
        "device": device,
        "date": datetime.date.today().isoformat(),
        "workers": workers,
        "gpus_per_trial": gpus,
        "trials_per_gpu": pack,
        "trials": trials,
        "rounds": rounds,
        "trials_per_hour": trials / (clock.ends[-1] - clock.starts[0]) * 3600,
        "best_trial": best.number,
        "best_score": best.value,
        "peak_memory_mib": round(memory / 2**20),
    }, rounds_text


def table(cells: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table, with ratios to the first row."""
    lines = [
        "| device | trials at once | how | trials an hour | of the first | best trial |",
        "|---|---|---|---|---|---|",
    ]
    for cell in cells:
        ratio = cell["trials_per_hour"] / cells[0]["trials_per_hour"]
        lines.append(
            f"| {cell['device']} | {cell['workers']} | {_how(cell)} | {cell['trials_per_hour']:,.0f} | {ratio:.2f} | "
            f"{cell['best_trial']}: {cell['best_score']:.4f} |"
        )
    return "\n".join(lines)


def _how(cell: dict[str, Any]) -> str:
    return "in one process" if cell.get("trials_per_gpu") else "in a process each"


def with_table(page: str) -> str:
    """The page with the table of the stored figures."""
    return with_block(page, "gpus", table(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-gpu", default="1,4")
    parser.add_argument("--packs", default="1,4,16,64")
    parser.add_argument("--cpu-workers", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="Keep the figures, and show them in the page.")
    wanted = parser.parse_args()
    runs = [(sharing, 1 / sharing, None) for sharing in numbers(wanted.per_gpu)]
    runs += [(size, None, size) for size in numbers(wanted.packs)]
    cells, expected = [], None
    for workers, gpus, pack in runs:
        cell, rounds = measure(wanted.trials, wanted.rounds, workers, gpus, pack)
        expected = expected or rounds
        if rounds != expected:
            raise SystemExit(
                f"the rounds with {workers} trials at once differ from those of the first run: {cell}"
            )
        cells.append(cell)
        keep(cells, wanted.write)
    if wanted.cpu_workers:
        cells.append(measure(wanted.trials, wanted.rounds, wanted.cpu_workers, 0.0)[0])
        keep(cells, wanted.write)
    print(table(cells))


def numbers(text: str) -> list[int]:
    """The numbers in a text such as `1,4`; an empty list for an empty text."""
    return [int(each) for each in text.split(",") if each]


def keep(cells: list[dict[str, Any]], write: bool) -> None:
    """Print the latest row. write: also store all rows."""
    print(json.dumps(cells[-1]), flush=True)
    if write:
        RESULTS.write_text(json.dumps(cells, indent=1) + "\n")
        PAGE.write_text(with_table(PAGE.read_text()))


if __name__ == "__main__":
    main()
