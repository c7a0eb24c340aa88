"""Runs a study of each task on real data, confirms its best trials, tests the winner, and replays the result.

    python -m benchmarks.studies [--only NAME] [--work FOLDER] [--data-dir FOLDER]

Each cell is a few commands, run as a user would type them, and a file in `benchmarks/results/studies/` with the results.
Cells that exist are not made again. An interrupted cell continues its study in --work. `python -m benchmarks.task_tables`
writes the results into docs/tasks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.best_config.document import read_config
from sweeps.diagnosis.report import diagnose_study
from sweeps.study.stored_study import Study, load

RESULTS = Path(__file__).parent / "results" / "studies"


@dataclass(frozen=True)
class Cell:
    """A study and its confirmations.

    launch: the words after `sweep launch`. confirm: for each confirmation, the words after `sweep confirm STUDY`.
    """

    name: str
    launch: str
    confirm: tuple[str, ...] = ("--top 3 --seeds 3",)

    @property
    def path(self) -> Path:
        return RESULTS / f"{self.name}.json"

    @property
    def task(self) -> str:
        return self.launch.split()[0]

    @property
    def commands(self) -> list[str]:
        return [
            f"sweep launch {self.launch} --study {self.name}",
            *(f"sweep confirm {self.name} {words}" for words in self.confirm),
        ]


BATCH_SIZES = "--space benchmarks/batch_sizes.yaml --sampler grid --stop-rule none"
TRANSFER = "--space benchmarks/transfer.yaml --sampler grid --stop-rule none"
IN_PART = "--stop-rule study --train-rows 10000 --valid-rows 2000"
CELLS = [
    Cell("cora", "cora_gcn --data cora -n 20", ("--top 3 --seeds 5", "--top 3 --folds 5 --sealed")),
    Cell(
        "cora-inductive",
        "cora_gcn graph_setting=inductive --data cora -n 20",
        ("--top 3 --seeds 5", "--top 3 --folds 5 --sealed"),
    ),
    Cell("sequence", "sequence_convnet --data mnist1d -n 20", ("--top 3 --seeds 5",)),
    Cell("bn", "mnist_mlp_bn --data mnist -n 16 --rounds 20"),
    Cell("online", "mnist_mlp_online --data mnist -n 16 --rounds 20"),
    Cell("batch-sizes", f"mnist_mlp_online --data mnist --rounds 20 {BATCH_SIZES}", ()),
    Cell(
        "convnet",
        "mnist_convnet schedule=cosine batch_norm=true max_shift=2 learning_rate=0.0005..0.005 --data mnist -n 4 --rounds 12",
        ("--top 2 --seeds 2",),
    ),
    Cell("transfer", f"food101_squeezenet --data food101-cifar10 --rounds 6 {TRANSFER}", ()),
    Cell("skipgram", "text8_skipgram --data text -n 16 --rounds 10"),
    Cell(
        "food",
        "food101_squeezenet --data food101-cifar10 -n 4 --rounds 4 --train-rows 3000 --valid-rows 1000",
        ("--top 2 --seeds 2",),
    ),
    Cell("cifar", f"cifar10_cnn --data cifar10 -n 4 --rounds 12 {IN_PART}", ("--top 2 --seeds 2",)),
    Cell("mlp", "mnist_mlp --data mnist -n 12 --rounds 20 --stop-rule study"),
]


def run(cell: Cell, work: Path, data_dir: str | None) -> None:
    """Run or continue a cell's commands, replay the exported configuration, and write the cell's file."""
    os.environ["SWEEP_HOME"] = str(work.resolve())
    if data_dir:
        os.environ["SWEEP_DATA_DIR"] = data_dir
    launched, *confirmed = cell.commands
    _sweep(launched)
    ranks = [json.loads(_sweep(f"{command} -f json")) for command in confirmed]
    study = load(cell.name)
    _sweep(shlex.join(["sweep", "replay", str(study.best_path), "--tolerance", "0"]))
    table, data, best = study.table(), study.spec.data, read_config(study.best_path)
    record = {
        "commands": cell.commands,
        "fingerprint": study.row.fingerprint,
        "data": {"name": data.plan.name, "train_rows": data.train_rows, "valid_rows": data.valid_rows},
        "metric": study.spec.metric.name,
        "seconds": round(study.cost().seconds),
        "stops": dict(Counter(str(trial.attributes["stop_reason"]) for trial in table)),
        "best": {name: getattr(best, name) for name in ("trial", "value", "parameters")},
        "confirmed": ranks,
        "test": (best.confirmed or {}).get("test"),
        "replayed_rounds": len(best.rounds),  # a failed `sweep replay` would have raised an error
        "cells": _cells(study) if study.spec.sampler == "grid" else [],
    }
    cell.path.parent.mkdir(parents=True, exist_ok=True)
    cell.path.write_text(json.dumps(record, indent=1) + "\n")


def _sweep(command: str) -> str:
    """Run a command. Returns its stdout; its stderr goes to the terminal."""
    words = shlex.split(command)[1:]
    print(f"$ {command}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-c", "from sweeps.cli import main; main()", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _cells(study: Study) -> list[dict[str, Any]]:
    """For each cell of a grid: its last round, its speed, and its diagnosis."""
    rounds = study.rounds().groupby("trial")
    speeds, last = rounds["train_rows_per_second"].median(), rounds.tail(1).set_index("trial")
    return [
        {
            **study.searched(study.trial(number)),
            "best": study.trial(number).value,
            "last_train_score": float(last["train_score"][number]),
            "last_valid_score": float(last["valid_score"][number]),
            "rows_per_second": round(float(speeds[number])),
            "label": each.diagnosis.label,
        }
        for each in diagnose_study(study)
        for number in [int(each.named.name)]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--work", type=Path, default=Path("build/studies"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    for cell in CELLS:
        if not cell.path.exists() and (not wanted.only or cell.name in wanted.only):
            run(cell, wanted.work, wanted.data_dir)
            print(f"{cell.name}: done", flush=True)


if __name__ == "__main__":
    main()
