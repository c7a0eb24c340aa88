"""How many rows change their label with the company in which they are evaluated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from objectives.evaluation import evaluation_mode
from objectives.task import Rows, Task


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
