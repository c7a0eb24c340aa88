"""Skip-gram: an honest rank, a loss that estimates the training loss, and both ways of showing pairs."""

from __future__ import annotations

import pytest
import torch

from objectives.registry import get_task
from objectives.tasks.text8_skipgram import RANKED
from objectives.word_pairs import WordPairs
from tests.objectives_tests.small_data import parameters_of, small_splits, start

TASK = get_task("text8_skipgram")


def score(first: float, others: torch.Tensor) -> float:
    outputs = torch.cat([torch.tensor([first]), others])[None]
    return float(TASK.scores(outputs, torch.ones(1))[0])


def test_the_score_is_the_reciprocal_rank() -> None:
    others = torch.linspace(-1, 1, RANKED - 1)
    assert score(2.0, others) == 1.0
    assert score(-2.0, others) == 1 / RANKED
    assert score(0.99, others) == 1 / 2


def test_equal_scores_for_all_words_are_chance() -> None:
    assert score(0.0, torch.zeros(RANKED - 1)) == pytest.approx(TASK.chance_score)
    assert score(1.0, torch.tensor([1.0] + [0.0] * (RANKED - 2))) == pytest.approx((1 + 1 / 2) / 2)


def test_a_model_that_gives_no_numbers_ranks_last() -> None:
    assert score(float("nan"), torch.zeros(RANKED - 1)) <= 1 / RANKED


def test_rows_are_evaluated_with_the_same_words_every_time() -> None:
    rows = small_splits(TASK).valid
    parameters = parameters_of(TASK)
    once, again = (TASK.prepare_evaluation(rows, parameters) for _ in range(2))
    assert once.inputs.shape == (len(rows), 1 + RANKED)
    assert torch.equal(once.inputs, again.inputs)
    assert not (once.inputs[:, 2:] == once.inputs[:, 1:2]).any()


def test_the_loss_over_many_drawn_words_estimates_that_over_few() -> None:
    parameters = parameters_of(TASK, negatives=2)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(4000, RANKED, generator=generator)
    targets = torch.ones(4000)
    many = TASK.losses(outputs, targets, parameters).mean()
    few = TASK.losses(outputs[:, :3], targets, parameters).mean()
    assert many.item() == pytest.approx(few.item(), rel=0.02)


def test_one_word_at_a_time_is_as_often_true_as_the_negatives_say() -> None:
    rows = small_splits(TASK).train
    torch.manual_seed(0)
    parameters = parameters_of(TASK, shown="either", negatives=3)
    batches = [TASK.augment(rows, parameters) for _ in range(20)]
    assert all(isinstance(batch, WordPairs) and batch.inputs.shape[1] == 2 for batch in batches)
    share = torch.cat([batch.targets for batch in batches]).double().mean().item()
    assert share == pytest.approx(1 / 4, abs=0.03)


def test_dropout_and_batch_norm_act_on_the_vectors() -> None:
    run = start(TASK, dropout=0.5, batch_norm=True)
    names = [type(module).__name__ for module in run.model.modules()]
    assert "BatchNorm1d" in names
    assert "Dropout" in names
    assert run.advance().valid_score_batch_statistics is not None
