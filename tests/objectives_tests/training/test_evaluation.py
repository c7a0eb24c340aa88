"""Evaluation is a pure function of weights and rows."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from objectives.rows.rows import Rows
from objectives.training.evaluation import evaluate, evaluate_with_batch_statistics
from objectives.training.loop import Run
from tests.objectives_tests.small_data import digits, start

ROWS = digits(50, seed=3)


def trained(**values: object) -> tuple[Run, Rows]:
    """A run after a round, and rows that it has not seen."""
    run = start(**values)
    run.advance()
    return run, run.task.prepare(ROWS, run.parameters)


def batch_norm_of(run: Run) -> nn.BatchNorm1d:
    return next(module for module in run.model.modules() if isinstance(module, nn.BatchNorm1d))


def test_an_evaluation_repeated_gives_the_same_bits() -> None:
    run, rows = trained(dropout=0.5)
    first, *others = [evaluate(run.task, run.model, rows, run.parameters) for _ in range(3)]
    assert all(other == first for other in others)


def test_an_evaluation_does_not_depend_on_the_order_of_rows() -> None:
    run, rows = trained(dropout=0.5)
    shuffled = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))]
    one, other = (evaluate(run.task, run.model, each, run.parameters) for each in (rows, shuffled))
    assert one.loss == pytest.approx(other.loss, rel=1e-6)
    assert one.score == other.score


def test_a_row_is_judged_the_same_in_any_company() -> None:
    run, rows = trained()
    run.model.eval()
    with torch.no_grad():
        together = run.model(rows.inputs)
        alone = torch.cat([run.model(rows.inputs[row : row + 1]) for row in range(len(rows))])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("evaluation", [evaluate, evaluate_with_batch_statistics])
def test_an_evaluation_touches_nothing(evaluation: object) -> None:
    run, rows = trained(dropout=0.5)
    before = copy.deepcopy(run.model.state_dict())
    generator = torch.get_rng_state()
    evaluation(run.task, run.model, rows, run.parameters)
    after = run.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert after.keys() == before.keys()
    assert torch.equal(torch.get_rng_state(), generator)


def test_every_module_is_left_in_its_own_mode() -> None:
    run, rows = trained(dropout=0.5)
    run.model.train()
    batch_norm_of(run).eval()
    before = [module.training for module in run.model.modules()]
    evaluate(run.task, run.model, rows, run.parameters)
    assert [module.training for module in run.model.modules()] == before
    assert sorted(set(before)) == [False, True]


def test_a_model_is_left_in_its_mode_when_an_evaluation_fails() -> None:
    run, _ = trained()
    run.model.train()
    with pytest.raises(RuntimeError, match="shape"):
        evaluate(run.task, run.model, Rows(torch.zeros(3, 5), torch.zeros(3)), run.parameters)
    assert run.model.training


def test_stale_running_statistics_show_in_one_score_and_not_in_the_other() -> None:
    run = start(rounds=20)
    for _ in range(20):
        run.advance()
    rows = run.valid_rows
    fresh = evaluate_with_batch_statistics(run.task, run.model, rows, run.parameters)
    batch_norm_of(run).running_mean += 100.0
    assert evaluate_with_batch_statistics(run.task, run.model, rows, run.parameters) == fresh
    assert fresh is not None
    assert evaluate(run.task, run.model, rows, run.parameters).score < fresh - 0.3


def test_there_is_no_batch_statistics_score_without_batch_norm() -> None:
    assert start(batch_norm=False).advance().valid_score_batch_statistics is None
    assert start(batch_norm=True).advance().valid_score_batch_statistics is not None


def test_loss_and_score_are_means_over_rows() -> None:
    run, rows = trained()
    run.model.eval()
    with torch.no_grad():
        outputs = run.model(rows.inputs)
        loss = nn.functional.cross_entropy(outputs.double(), rows.targets).item()
    found = evaluate(run.task, run.model, rows, run.parameters)
    assert found.loss == pytest.approx(loss, rel=1e-6)
    assert found.score == (outputs.argmax(1) == rows.targets).double().mean().item()
