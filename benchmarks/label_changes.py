"""Measures how many rows change their predicted label if they are evaluated in a batch with other rows.

    python -m benchmarks.label_changes [--work FOLDER] [--data-dir FOLDER]

The model is `sequence_convnet`, as published and with running statistics, with three seeds each. The rows are those of
the published validation. The result is stored in `benchmarks/results/label_changes.json`; `python -m
benchmarks.task_tables` puts it into docs/tasks.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from objectives import load_model
from objectives.registry import get_task
from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.training.evaluation import evaluation_mode
from sweeps import paths
from sweeps.driver.results_folder import write_best
from sweeps.repeats.reproduce import Reproduction, reproduce
from sweeps.settings import RunSettings

RESULTS = Path(__file__).parent / "results" / "label_changes.json"
SEEDS = 3
BATCH_SIZES = (20, 64, 100)


@torch.no_grad()
def changed_share(task: Task, model: nn.Module, rows: Rows, *, batch_size: int, seed: int) -> float:
    """The fraction of rows with different labels in two evaluations, each in newly shuffled batches.

    It is 0 for a model that classifies each row independently. A row's label is the index of its largest output. The
    last batch may be smaller. The model is not changed.
    """
    generator = torch.Generator().manual_seed(seed)
    with evaluation_mode(model):
        one, other = (_labels(task, model, rows, batch_size, generator) for _ in range(2))
    return (one != other).double().mean().item()


def _labels(task: Task, model: nn.Module, rows: Rows, batch_size: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(len(rows), generator=generator).to(rows.targets.device)
    labels = torch.empty_like(order)
    for batch in torch.split(order, batch_size):
        labels[batch] = task.forward(model, rows[batch]).argmax(dim=1)
    return labels


def measure(variant: str | None, work: Path, data_dir: str | None) -> list[dict[str, Any]]:
    """For each seed of a published configuration: the best round's score and the fractions of labels that change."""
    task = get_task("sequence_convnet")
    rows = task.load_published("mnist1d", paths.data_root(data_dir)).valid
    settings = RunSettings(
        runner="inline", keep_weights="all", data_dir=data_dir, out=str(work / (variant or "published"))
    )
    wanted = Reproduction("sequence_convnet", variant, data="mnist1d", seeds=SEEDS)
    result = reproduce(wanted, run=settings, storage=f"sqlite:///{work.resolve()}/label_changes.db")
    result.raise_for_ending()
    study = result.study
    measured = []
    for trial in study.table():
        exported = work / f"{variant or 'published'}-{trial.number}.yaml"
        write_best(study, trial, exported, weights=exported.with_suffix(".pt"))
        model = load_model(exported)
        changed = {str(n): changed_share(task, model, rows, batch_size=n, seed=0) for n in BATCH_SIZES}
        measured.append({"score": trial.value, "changed": changed})
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("build/label_changes"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    if RESULTS.exists():
        return
    wanted.work.mkdir(parents=True, exist_ok=True)
    measured = {
        variant or "published": measure(variant, wanted.work, wanted.data_dir)
        for variant in (None, "running")
    }
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
