"""The training loop that one writes by hand in PyTorch, over DataLoaders. Both peers train with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.problem import loaded
from benchmarks.throughput import OPTIMIZERS


def epochs(name: str, chosen: dict[str, Any]) -> Iterator[float]:
    """Train a configuration, and yield the validation score after each epoch.

    The rows are tensors already, so that no image is decoded again; they are validated in large batches.
    """
    problem, splits = loaded(name)
    task, parameters = problem.task, problem.parameters(chosen)
    train, valid = task.prepare(splits.train, parameters), task.prepare(splits.valid, parameters)
    batch_size = min(parameters.batch_size, len(train))
    train_loader = DataLoader(
        TensorDataset(train.inputs, train.targets), batch_size=batch_size, shuffle=True, drop_last=True
    )
    valid_loader = DataLoader(TensorDataset(valid.inputs, valid.targets), batch_size=task.evaluation_rows)
    model = task.build(parameters, train[:2])
    optimizer = OPTIMIZERS[parameters.optimizer](
        model.parameters(), lr=parameters.learning_rate, weight_decay=parameters.weight_decay
    )
    steps = problem.rounds * len(train_loader)
    scheduler = LambdaLR(
        optimizer, lambda step: task.learning_rate_factor(parameters, step, steps, len(train))
    )
    for _ in range(problem.rounds):
        model.train()
        for inputs, targets in train_loader:
            batch = task.augment(dataclasses.replace(train, inputs=inputs, targets=targets), parameters)
            optimizer.zero_grad()
            task.losses(task.forward(model, batch), batch.targets, parameters).mean().backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        right = 0.0
        with torch.no_grad():
            for inputs, targets in valid_loader:
                batch = dataclasses.replace(valid, inputs=inputs, targets=targets)
                right += float(task.scores(task.forward(model, batch), targets).sum())
        yield right / len(valid)
