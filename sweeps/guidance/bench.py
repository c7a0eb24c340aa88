"""The material for sanity checks of a task: some of its rows, and short runs of the shared training loop."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from objectives import Round, Splits, Task
from objectives.rows.rows import Rows
from objectives.rows.subsets import at_most
from objectives.training.loop import Run

TRAIN_ROWS, VALID_ROWS = 2000, 500
STEPS = 6  # the most steps in a round of a short run


@dataclass(frozen=True)
class Bench:
    """A task with parameters, part of its rows, and a seed.

    splits: at most 2,000 training and 500 validation rows. whole: all rows.
    """

    task: Task
    parameters: Any
    splits: Splits
    whole: Splits
    seed: int
    device: torch.device

    @classmethod
    def of(cls, task: Task, parameters: Any, whole: Splits, *, seed: int, device: torch.device) -> Bench:
        """A bench with part of the rows of `whole`."""
        part = at_most(whole, train=TRAIN_ROWS, valid=VALID_ROWS)
        return cls(task, parameters, part, whole, seed, device)

    def run(self, *, seed: int | None = None, splits: Splits | None = None, parameters: Any = None) -> Run:
        """A new run with short rounds."""
        run = Run(
            self.task,
            parameters or self.parameters,
            splits or self.splits,
            rounds=1000,
            seed=self.seed if seed is None else seed,
            device=self.device,
        )
        run.steps_per_round = min(STEPS, run.steps_per_round)
        return run

    def changed(self, **values: Any) -> Any:
        """The parameters, changed to `values`. Names that the task does not have are ignored."""
        known = {each.name for each in dataclasses.fields(self.parameters)}
        return dataclasses.replace(
            self.parameters, **{name: value for name, value in values.items() if name in known}
        )

    def classes(self, run: Run) -> int | None:
        """The number of classes, if the model returns a logit for each class; else None."""
        outputs, targets = self.outputs(run, run.train_sample[:2]), run.train_sample.targets
        is_class = targets.ndim == 1 and not targets.is_floating_point() and len(torch.unique(targets)) > 1
        return outputs.shape[1] if is_class and outputs.ndim == 2 and outputs.shape[1] > 1 else None

    @torch.no_grad()
    def outputs(self, run: Run, rows: Rows) -> Tensor:
        """The outputs of rows that are prepared for evaluation, in evaluation mode."""
        from objectives.training.evaluation import evaluation_mode

        with evaluation_mode(run.model):
            return self.task.forward(run.model, rows)


def same_rounds(one: list[Round], other: list[Round]) -> str | None:
    """The first figure in which two lists of rounds differ, as text; None if all are equal."""
    for first, second in zip(one, other, strict=True):
        ours, theirs = first.figures(), second.figures()
        for name, value in ours.items():
            if repr(value) != repr(theirs.get(name)):
                return f"{name} of round {first.index}: {value!r} and {theirs.get(name)!r}"
    return None
