"""The best learning rate that a study finds in a wide space: what the ranges of `sweep lr` are held against.

    python -m benchmarks.wide_rates [--only TASK] [--seeds N] [--work FOLDER] [--data-dir FOLDER]

For each task and seed, one study of 100 trials in the task's own space, but with learning rates from 1e-6 to 10. Its
cell, `benchmarks/results/guidance/best-TASK-SEED.json`, has the five best trials and the cost. A cell that is there is
left alone; a study that was cut off continues from its database in --work.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sweeps

CELLS = Path(__file__).parent / "results" / "guidance"
WIDE = "learning_rate=1e-6..10"
TRIALS = 100


@dataclass(frozen=True)
class Recipe:
    """How a task is made small enough for two cores. rounds: of each trial. fixed: overrides of its space."""

    data: str
    rounds: int
    train_rows: int | None = None
    valid_rows: int | None = None
    fixed: tuple[str, ...] = ()

    def settings(self, task: str, seed: int, **others: Any) -> sweeps.StudySettings:
        """Of a study of this task."""
        overrides = (*self.fixed, *others.pop("overrides", ()))
        return sweeps.StudySettings(
            task,
            overrides=overrides,
            seed=seed,
            rounds=self.rounds,
            data=self.data,
            train_rows=self.train_rows,
            valid_rows=self.valid_rows,
            gpus_per_trial=0,
            **others,
        )


RECIPES = {
    "mnist_mlp": Recipe("mnist-5k", 15),
    "cora_gcn": Recipe("cora", 100),
    "mnist_mlp_bn": Recipe("mnist-5k", 15),
    "sequence_convnet": Recipe("mnist1d", 15, 1000, 600),
    "mnist_mlp_online": Recipe("mnist-5k", 10, fixed=("images_per_round=2000",)),
    "text8_skipgram": Recipe("text", 10, 20_000, 2000, ("pairs_per_round=10000",)),
    "mnist_convnet": Recipe("mnist-5k", 8, 1000, 500),
    "cifar10_cnn": Recipe("cifar10", 10, 1000, 500),
    "food101_squeezenet": Recipe("food101-cifar10", 6, 404, 404),
}


def cell_path(name: str) -> Path:
    return CELLS / f"{name}.json"


def write_cell(name: str, record: dict[str, Any]) -> None:
    CELLS.mkdir(parents=True, exist_ok=True)
    cell_path(name).write_text(json.dumps(record, indent=1) + "\n")


def read_cell(name: str) -> dict[str, Any] | None:
    path = cell_path(name)
    return json.loads(path.read_text()) if path.exists() else None


def make_best(task: str, seed: int, work: Path, data_dir: str | None) -> dict[str, Any]:
    """The cell of one study."""
    run = sweeps.RunSettings(
        num_trials=TRIALS,
        runner="inline",
        keep_weights="none",
        max_failures=1000,
        data_dir=data_dir,
        out=str(work / f"best-{task}-{seed}"),
    )
    settings = RECIPES[task].settings(task, seed, overrides=(WIDE,))
    result = sweeps.launch(
        settings, run, storage=f"sqlite:///{work.resolve()}/best.db", study=f"best-{task}-{seed}"
    )
    study, cost = result.study, result.study.cost()
    return {
        "task": task,
        "seed": seed,
        "data": study.spec.data.to_dict(),
        "rounds": study.spec.rounds,
        "trials": TRIALS,
        "best": [
            {"trial": each.number, "value": each.value, "params": study.searched(each)}
            for each in study.ranking(5)
        ],
        "cost": {"rounds": cost.rounds_run, "seconds": round(cost.seconds, 1)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="TASK")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("build/guidance"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    wanted.work.mkdir(parents=True, exist_ok=True)
    for seed in range(wanted.seeds):
        for task in wanted.only or RECIPES:
            if read_cell(f"best-{task}-{seed}") is None:
                record = make_best(task, seed, wanted.work, wanted.data_dir)
                write_cell(f"best-{task}-{seed}", record)
                print(task, seed, record["best"][0], record["cost"], flush=True)


if __name__ == "__main__":
    main()
