"""A study of each task on real data, its best confirmed, the test split opened for the winner, and the result replayed.

    python -m benchmarks.studies [--only NAME] [--work FOLDER] [--data-dir FOLDER]
    python -m benchmarks.studies --write        puts the tables into docs/tasks.md

Each cell is a few commands, run as a user would type them, and a file in `benchmarks/results/studies/` with what came
out; a cell that is there is left alone, and one that was cut off goes on from its study in --work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS as FIGURES
from benchmarks.stopping_page import with_block
from objectives.registry import all_tasks
from objectives.task import Task
from sweeps.best_config import read_config
from sweeps.cli.formats import cell as shown
from sweeps.diagnosing import diagnose_study
from sweeps.reproduce import published_for
from sweeps.study import Study, load

RESULTS = Path(__file__).parent / "results" / "studies"
PAGE = Path(__file__).parent.parent / "docs" / "tasks.md"


@dataclass(frozen=True)
class Cell:
    """A study and what is made of it: the words after `sweep launch`, and after `sweep confirm STUDY`, if it is."""

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
AS_PUBLISHED = {"mnist_mlp": "h1024-lr0.0001"}  # the variant that the figure belongs to
CELLS = [
    Cell("cora", "cora_gcn --data cora -n 20", ("--top 3 --seeds 5", "--top 3 --folds 5 --sealed")),
    Cell("cora-inductive", "cora_gcn graph_setting=inductive --data cora -n 20", ("--top 3 --seeds 5",)),
    Cell("sequence", "sequence_convnet --data mnist1d -n 20", ("--top 3 --seeds 5",)),
    Cell("bn", "mnist_mlp_bn --data mnist -n 16 --rounds 20"),
    Cell("online", "mnist_mlp_online --data mnist -n 16 --rounds 20"),
    Cell("batch-sizes", f"mnist_mlp_online --data mnist --rounds 20 {BATCH_SIZES}", ()),
    Cell("convnet", "mnist_convnet --data mnist -n 8 --rounds 8 --stop-rule study", ("--top 2 --seeds 3",)),
    Cell("transfer", f"food101_squeezenet --data food101-cifar10 --rounds 6 {TRANSFER}", ()),
    Cell("skipgram", "text8_skipgram --data text -n 16 --rounds 10"),
    Cell("food", "food101_squeezenet --data food101-cifar10 -n 8 --rounds 5", ("--top 2 --seeds 3",)),
    Cell("cifar", f"cifar10_cnn --data cifar10 -n 8 --rounds 10 {IN_PART}", ("--top 2 --seeds 3",)),
    Cell("mlp", "mnist_mlp --data mnist -n 20"),
]


def run(cell: Cell, work: Path, data_dir: str | None) -> None:
    """Run a cell's commands, or go on with them, then replay what was exported, and write the cell's file."""
    os.environ["SWEEP_HOME"] = str(work.resolve())
    if data_dir:
        os.environ["SWEEP_DATA_DIR"] = data_dir
    launched, *confirmed = cell.commands
    _sweep(launched)
    ranks = [json.loads(_sweep(f"{command} -f json")) for command in confirmed]
    study = load(cell.name)
    _sweep(f"sweep replay {study.best_path}")
    table, data, best = study.table(), study.spec.data, read_config(study.best_path)
    record = {
        "commands": cell.commands,
        "fingerprint": study.row.fingerprint,
        "data": {name: data[name] for name in ("name", "train_rows", "valid_rows")},
        "metric": study.spec.metric["name"],
        "seconds": round(study.cost().seconds),
        "states": dict(Counter(trial.state for trial in table)),
        "best": {name: best[name] for name in ("trial", "value", "parameters")},
        "confirmed": ranks,
        "test": (best["confirmed"] or {}).get("test"),
        "replayed_rounds": len(best["rounds"]),  # or `sweep replay` had ended this
        "cells": _cells(study) if study.spec.sampler == "grid" else [],
    }
    cell.path.parent.mkdir(parents=True, exist_ok=True)
    cell.path.write_text(json.dumps(record, indent=1) + "\n")


def _sweep(command: str) -> str:
    """What a command prints; what it says beside goes to the terminal."""
    words = command.split()[1:]
    print(f"$ {command}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-c", "from sweeps.cli import main; main()", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _cells(study: Study) -> list[dict[str, Any]]:
    """Each cell of a grid: where it ended, its speed, and what became of it."""
    rounds = study.rounds().groupby("trial")
    speeds, last = rounds["train_rows_per_second"].median(), rounds.last()
    return [
        {
            **study.searched(study.trial(number)),
            "best": float(study.trial(number).value or 0.0),
            "last_train_score": float(last["train_score"][number]),
            "last_valid_score": float(last["valid_score"][number]),
            "rows_per_second": round(float(speeds[number])),
            "label": each.diagnosis.label,
        }
        for each in diagnose_study(study)
        for number in [int(each.named.name)]
    ]


def studies_table() -> str:
    """For each task: what was published, ours at the same setting, and the study's best, confirmed and tested."""
    done = {
        cell.task: json.loads(cell.path.read_text())
        for cell in reversed(CELLS)
        if cell.path.exists() and cell.confirm
    }
    lines = [
        "| task | published | ours, as published | the study's best: searched | confirmed | on the test split |",
        "|---|---|---|---|---|---|",
    ]
    for task in all_tasks():
        record = done.get(task.name)
        confirmed = _confirmed(record) if record else ("", "", "")
        lines.append(
            f"| `{task.name}` | {_published(task)} | {_as_published(task)} | " + " | ".join(confirmed) + " |"
        )
    return "\n".join(lines)


def _published(task: Task) -> str:
    figures = published_for(task).figures
    return ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in figures.items())


def _as_published(task: Task) -> str:
    """Score of the last round, on the rows that the published figures belong to."""
    path = FIGURES / f"{task.name}-{AS_PUBLISHED.get(task.name, 'published')}.json"
    record = json.loads(path.read_text())
    row = [row for row in record["figures"] if row["figure"] == "valid_score"][-1]
    spread = f" ± {row['std']:.2g}" if row["std"] else ""
    seeds = f", {row['seeds']} seeds" if row["seeds"] > 1 else ""
    part = f", {record['data']['train_rows']:,} training rows" if "fraction" in record["command"] else ""
    return f"{row['ours']:.4g}{spread} (round {row['round']}{seeds}{part})"


def _confirmed(record: Mapping[str, Any]) -> tuple[str, str, str]:
    ranked, test = record["confirmed"][0], record["test"]
    winner = ranked[0]
    first = record["best"]["trial"] == min(ranked, key=lambda each: -each["searched"])["trial"]
    return (
        f"{winner['searched']:.4g} (trial {winner['trial']}{'' if first else ', not the first in the table'})",
        f"{winner['mean']:.4g} ± {winner['std']:.2g} ({winner['repeats']} seeds)",
        f"**{test['mean']:.4g}** ± {test['std']:.2g}",
    )


def commands_list() -> str:
    """The commands of every cell that is there, with size and cost."""
    lines = []
    for cell in CELLS:
        if not cell.path.exists():
            continue
        record = json.loads(cell.path.read_text())
        data, states = record["data"], record["states"]
        halted = states.get("PRUNED", 0)
        lines += [
            f"# {data['train_rows']:,} training and {data['valid_rows']:,} validation rows; {sum(states.values())} trials, "
            f"{halted} halted; {record['seconds'] / 60:.0f} minutes of one core",
            *(f"$ {command}" for command in record["commands"]),
        ]
    return "\n".join(["```console", *lines, "```"])


def batch_sizes_table() -> str:
    """The grid over batch sizes: what each cell reached, became and cost."""
    cell = next(each for each in CELLS if each.name == "batch-sizes")
    record = json.loads(cell.path.read_text())
    lines = [
        "| images a step | weights | best | at the end: training | validation | became | images a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(record["cells"], key=lambda row: (row["weight_init"], row["batch_size"])):
        lines.append(
            f"| {row['batch_size']} | {row['weight_init']} | {row['best']:.4f} | {row['last_train_score']:.4f} | "
            f"{row['last_valid_score']:.4f} | {row['label']} | {row['rows_per_second']:,} |"
        )
    return "\n".join(lines)


BLOCKS = {"studies": studies_table, "study-commands": commands_list, "batch-sizes": batch_sizes_table}


def with_tables(page: str) -> str:
    """docs/tasks.md with the tables of the cells that are there."""
    for name, render in BLOCKS.items():
        page = with_block(page, name, render())
    return page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--work", type=Path, default=Path("build/studies"))
    parser.add_argument("--data-dir")
    parser.add_argument("--write", action="store_true", help="Put the tables into docs/tasks.md.")
    wanted = parser.parse_args()
    if wanted.write:
        PAGE.write_text(with_tables(PAGE.read_text()))
        return
    for cell in CELLS:
        if not cell.path.exists() and (not wanted.only or cell.name in wanted.only):
            run(cell, wanted.work, wanted.data_dir)
            print(f"{cell.name}: done", flush=True)


if __name__ == "__main__":
    main()
