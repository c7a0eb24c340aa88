"""Metrics of a whole split, which are no mean over its rows."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score, root_mean_squared_error
from torch import Tensor, nn

from objectives.task import Task
from objectives.task_class import flaw_of
from objectives.training.evaluation import evaluate

EXAMPLES = Path(__file__).parents[3] / "examples"
Moons: Any = runpy.run_path(str(EXAMPLES / "my_task.py"))["Moons"]


def log_odds(outputs: Tensor) -> Tensor:
    return outputs[:, 1] - outputs[:, 0]


METRICS = {
    "f1": lambda outputs, targets: f1_score(targets, outputs.argmax(dim=1)),
    "auc": lambda outputs, targets: roc_auc_score(targets, log_odds(outputs)),
    "rmse": lambda outputs, targets: root_mean_squared_error(targets, log_odds(outputs)),
    "perplexity": lambda outputs, targets: nn.functional.cross_entropy(outputs, targets).exp(),
}


@pytest.mark.parametrize("metric", METRICS)
def test_a_split_is_scored_by_all_of_its_outputs_at_once(metric: str) -> None:
    class Scored(Moons):  # type: ignore[misc]
        evaluation_rows = 64  # several batches

        def split_score(self, outputs: Tensor, targets: Tensor) -> Tensor | float:
            return METRICS[metric](outputs, targets)

    task, parameters = Scored(), Moons.Parameters()
    rows = task.load("moons", Path()).valid
    model = task.build(parameters, rows)
    whole = float(METRICS[metric](model.eval()(rows.inputs).detach(), rows.targets))
    assert evaluate(task, model, rows, parameters).score == pytest.approx(whole, rel=1e-6)


def test_a_task_needs_scores_of_rows_or_of_splits() -> None:
    class Unscored(Moons):  # type: ignore[misc]
        scores = Task.scores

    class Scored(Unscored):
        def split_score(self, outputs: Tensor, targets: Tensor) -> float:
            return 0.5

    assert flaw_of(Unscored) == "lacks scores (or split_score)"
    assert flaw_of(Scored) is None


def test_a_loss_of_a_split_is_still_the_mean_of_its_rows() -> None:
    task, parameters = Moons(), Moons.Parameters()
    rows = task.load("moons", Path()).valid
    model = task.build(parameters, rows)
    with torch.no_grad():
        losses = task.losses(model.eval()(rows.inputs), rows.targets, parameters)
    assert evaluate(task, model, rows, parameters).loss == pytest.approx(float(losses.mean()), rel=1e-6)
