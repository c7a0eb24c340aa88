"""Rows as each task takes them, but few and made on the spot; and what the contract is tried with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from objectives.datasets.splits import digest_rows
from objectives.loop import Run
from objectives.registry import get_task
from objectives.round import Round
from objectives.task import Rows, Splits, Task, parameter_kinds

TRAIN, VALID = 60, 25
SHORT = {"images_per_round": 60}  # of tasks whose round is not one pass


def digits(num: int, seed: int = 0) -> Rows:
    """Grey noise, brighter in a stripe that tells the class: shape (num, 784), uint8."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(num) % 10
    inputs = torch.randint(0, 120, (num, 784), generator=generator)
    for row, target in enumerate(targets.tolist()):
        inputs[row, 78 * target : 78 * (target + 1)] += 130
    return Rows(inputs.to(torch.uint8), targets)


def splits_of(train: Rows, valid: Rows) -> Splits:
    return Splits("small", train, valid, digest_rows(train, valid))


def small_splits(task: Task) -> Splits:
    """Splits of the kind that the task's data sets have."""
    assert task.data_sets[0].startswith("mnist"), f"say here what rows {task.name} takes"
    return splits_of(digits(TRAIN), digits(VALID, seed=1))


def parameters_of(task: Task, **values: Any) -> Any:
    """Small ones; a value for a parameter that the task lacks is left out."""
    kinds = parameter_kinds(task)
    small = {"batch_size": 16, "hidden_width": 12, **SHORT, **values}
    return task.parameters_from({name: value for name, value in small.items() if name in kinds})


def shortened(task: Task, values: Mapping[str, Any]) -> Any:
    """A whole configuration, with short rounds."""
    kinds = parameter_kinds(task)
    return task.parameters_from({**values, **{name: SHORT[name] for name in SHORT if name in kinds}})


def start(task: Task | str = "mnist_mlp", *, rounds: int = 4, seed: int = 7, **values: Any) -> Run:
    """A run of a few steps a round."""
    task = get_task(task) if isinstance(task, str) else task
    return Run(task, parameters_of(task, **values), small_splits(task), rounds=rounds, seed=seed)


def figures(rounds: list[Round]) -> list[str]:
    """All that must be equal, bit for bit, NaN for NaN."""
    return [repr(latest.figures()) for latest in rounds]
