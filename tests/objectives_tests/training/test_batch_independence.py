"""A row is judged for itself: the same again, alone, in any order and in any company. For every task."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.label_changes import changed_share
from objectives.registry import BUILT_IN, get_task
from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.training.evaluation import evaluate, evaluation_mode
from tests.objectives_tests.small_data import start

tasks = pytest.mark.parametrize("task", [get_task(name) for name in BUILT_IN], ids=list(BUILT_IN))


def trained(task: Task | str, **values: Any) -> Any:
    """A run after some rounds, with batch norm and dropout on."""
    run = start(task, rounds=3, **{"batch_norm": True, "dropout": 0.5, **values})
    for _ in range(3):
        run.advance()
    return run


@torch.no_grad()
def outputs(run: Any, rows: Rows) -> Tensor:
    with evaluation_mode(run.model):
        return run.task.forward(run.model, rows)


def in_companies(run: Any, rows: Rows, sizes: tuple[int, ...] = (1, 2, 7)) -> list[Tensor]:
    """Outputs of the rows, in their own order, of evaluations in shuffled batches of each size."""
    found = []
    for size in sizes:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(size))
        parts = torch.cat([outputs(run, rows[batch]) for batch in torch.split(order, size)])
        found.append(parts[order.argsort()])
    return found


@tasks
def test_an_evaluation_repeated_gives_the_same_bits(task: Task) -> None:
    run = trained(task)
    assert torch.equal(outputs(run, run.valid_rows), outputs(run, run.valid_rows))
    one, other = (evaluate(task, run.model, run.valid_rows, run.parameters) for _ in range(2))
    assert one == other


@tasks
def test_a_row_is_judged_the_same_in_any_company_and_order(task: Task) -> None:
    run = trained(task)
    together = outputs(run, run.valid_rows)
    for apart in in_companies(run, run.valid_rows):
        torch.testing.assert_close(apart, together)


@tasks
def test_in_the_same_company_the_order_changes_no_score(task: Task) -> None:
    run = trained(task)
    order = torch.randperm(len(run.valid_rows), generator=torch.Generator().manual_seed(1))
    one, other = (
        evaluate(task, run.model, rows, run.parameters) for rows in (run.valid_rows, run.valid_rows[order])
    )
    assert one.score == pytest.approx(other.score, rel=1e-12)
    assert one.loss == pytest.approx(other.loss, rel=1e-6)


def test_the_moments_of_the_batch_make_a_row_depend_on_its_company() -> None:
    run = trained("sequence_convnet", evaluation_statistics="batch")
    together = outputs(run, run.valid_rows)
    for apart in in_companies(run, run.valid_rows, sizes=(2, 7)):
        assert (apart - together).abs().max() > 0.1


@pytest.mark.parametrize("evaluation_statistics", ["running", "batch"])
def test_labels_change_with_the_company_where_its_moments_are_used(evaluation_statistics: str) -> None:
    run = trained("sequence_convnet", evaluation_statistics=evaluation_statistics, dropout=0.0)
    shares = [
        changed_share(run.task, run.model, run.valid_rows, batch_size=5, seed=seed) for seed in range(4)
    ]
    assert (min(shares) > 0) == (max(shares) > 0) == (evaluation_statistics == "batch")


def test_a_model_that_forgot_to_stop_training_is_found() -> None:
    run = trained("sequence_convnet")
    for module in run.model.modules():
        module.train = lambda mode=True, module=module: module  # type: ignore[method-assign]
    run.model.training = True
    together = outputs(run, run.valid_rows)
    assert not torch.equal(outputs(run, run.valid_rows), together)


def test_looking_for_changed_labels_touches_nothing() -> None:
    run = trained("sequence_convnet")
    before = [module.training for module in run.model.modules()], torch.get_rng_state()
    changed_share(run.task, run.model, run.valid_rows, batch_size=5, seed=0)
    assert [module.training for module in run.model.modules()] == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
