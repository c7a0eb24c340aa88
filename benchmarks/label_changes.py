"""How many rows change their label with the company in which they are evaluated.

    python -m benchmarks.label_changes best.yaml [another.yaml …]

Of each configuration of `sequence_convnet`, with its weights beside it, on the rows that stand for validation where what
was published is run.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor, nn

from objectives import load_model
from objectives.evaluation import evaluation_mode
from objectives.registry import get_task
from objectives.task import Rows, Task
from sweeps import paths

BATCH_SIZES = (20, 64, 100)


@torch.no_grad()
def changed_share(task: Task, model: nn.Module, rows: Rows, *, batch_size: int, seed: int) -> float:
    """Share of rows with different labels in two evaluations, each in batches of rows shuffled anew.

    0 for a model that judges each row for itself. A label is the largest of a row's outputs; a rest that fills no
    batch is evaluated as a smaller one. The model is left as it was.
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


def main() -> None:
    task = get_task("sequence_convnet")
    rows = task.load_published("mnist1d", paths.data_root(None)).valid
    for path in sys.argv[1:]:
        model = load_model(path)
        changed = {n: changed_share(task, model, rows, batch_size=n, seed=0) for n in BATCH_SIZES}
        print(path, *(f"{share:.3f} in batches of {n}" for n, share in changed.items()), sep="  ")


if __name__ == "__main__":
    main()
