"""Skip-gram: what a step shows, what an evaluation ranks, and that the one's loss estimates the other's."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from objectives.registry import get_task
from objectives.rows.word_pairs import WordPairs
from objectives.training.evaluation import evaluate
from tests.objectives_tests.small_data import parameters_of, small_splits, start

TASK = get_task("text8_skipgram")
PAIRS = small_splits(TASK).train


def score(*outputs: float, others: float = 0.0) -> float:
    """Of one row whose first outputs are these, the rest of the 64 all alike."""
    row = torch.full((1, 64), others)
    row[0, : len(outputs)] = torch.tensor(outputs)
    return TASK.scores(row, torch.ones(1)).item()


def test_the_score_is_one_over_the_rank_of_the_true_word() -> None:
    assert score(1.0) == 1.0
    assert score(1.0, 2.0) == pytest.approx(1 / 2)
    assert score(1.0, 2.0, 3.0, 4.0) == pytest.approx(1 / 4)
    assert score(-1.0) == pytest.approx(1 / 64)


def test_among_equals_all_orders_are_equally_likely() -> None:
    assert score(1.0, 1.0) == pytest.approx((1 + 1 / 2) / 2)
    assert score(1.0, 1.0, 1.0, 5.0) == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)


@pytest.mark.parametrize("constant", [0.0, 7.5, float("inf")])
def test_a_model_that_gives_all_words_the_same_scores_as_chance(constant: float) -> None:
    assert score(constant, others=constant) == pytest.approx(TASK.chance_score)


def test_a_model_that_gives_no_numbers_scores_least() -> None:
    nan = float("nan")
    assert score(nan, others=nan) == score(nan) == pytest.approx(1 / 64)


def test_the_same_words_are_ranked_in_every_evaluation_and_never_the_true_one_twice() -> None:
    one, other = (start(TASK, seed=seed, negatives=negatives) for seed, negatives in ((1, 5), (2, 3)))
    assert torch.equal(one.valid_rows.inputs, other.valid_rows.inputs)
    assert one.valid_rows.inputs.shape == (25, 65)
    assert not (one.valid_rows.inputs[:, 2:] == one.valid_rows.inputs[:, 1:2]).any()


def test_a_step_shows_other_words_each_time_but_the_seeds() -> None:
    torch.manual_seed(1)
    first, second = (TASK.augment(PAIRS, parameters_of(TASK, negatives=3)).inputs for _ in range(2))
    torch.manual_seed(1)
    again = TASK.augment(PAIRS, parameters_of(TASK, negatives=3)).inputs
    assert first.shape == (len(PAIRS), 5)
    assert torch.equal(first[:, :2], PAIRS.inputs)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def many_pairs(num: int = 20_000) -> WordPairs:
    return PAIRS[torch.arange(num) % len(PAIRS)]


@pytest.mark.parametrize("negatives", [1, 4])
def test_either_word_is_shown_as_often_as_if_both_were(negatives: int) -> None:
    torch.manual_seed(1)
    shown = TASK.augment(many_pairs(), parameters_of(TASK, shown="either", negatives=negatives))
    assert shown.inputs.shape == (20_000, 2)
    assert torch.equal(shown.targets == 1, shown.inputs[:, 1] == (shown.inputs[:, 0] ^ 1))
    assert shown.targets.double().mean().item() == pytest.approx(1 / (1 + negatives), abs=0.01)


@pytest.mark.parametrize(
    "values", [{"shown": "both"}, {"shown": "either"}, {"negatives": 2}, {"output_bias": False}]
)
def test_the_loss_in_evaluation_estimates_that_in_training(values: dict[str, Any]) -> None:
    run = start(TASK, rounds=10, **values)
    for _ in range(10):
        run.advance()
    pairs = many_pairs()
    evaluated = evaluate(TASK, run.model, TASK.prepare_evaluation(pairs, run.parameters), run.parameters).loss
    torch.manual_seed(1)
    trained = evaluate(TASK, run.model, TASK.augment(pairs, run.parameters), run.parameters).loss
    assert trained == pytest.approx(evaluated, rel=0.03)


def test_the_loss_weighs_the_true_word_once_and_each_drawn_one_once() -> None:
    outputs = torch.tensor([[1.0, -2.0, 0.5]])
    expected = -(torch.sigmoid(outputs * torch.tensor([1, -1, -1])).log().sum()) / 3
    loss = TASK.losses(outputs, torch.ones(1), parameters_of(TASK, negatives=2))
    torch.testing.assert_close(loss, expected[None])


def test_a_round_is_the_part_of_a_pass_that_was_asked_for() -> None:
    whole, part = start(TASK, batch_size=16), start(TASK, batch_size=16, pairs_per_round=50)
    assert (whole.steps_per_round, part.steps_per_round) == (len(PAIRS) // 16, 3)
    assert TASK.steps_per_round(TASK.Parameters(batch_size=1, pairs_per_round=5995), 10**6) == 5995


def test_the_published_regime_is_119900_steps_of_one_pair() -> None:
    published = TASK.published
    parameters = TASK.parameters_from(published.parameters)
    assert parameters.batch_size == 1
    assert published.rounds * TASK.steps_per_round(parameters, 10**6) == 119_900


@pytest.mark.parametrize("shared_table", [True, False])
def test_target_and_context_share_a_table_or_have_their_own(shared_table: bool) -> None:
    model = start(TASK, shared_table=shared_table, batch_norm=False, output_bias=False, dropout=0.0).model
    assert len(list(model.parameters())) == (1 if shared_table else 2)
    outputs = model(torch.tensor([[3, 5], [5, 3]]))
    assert (outputs[0] == outputs[1]).item() == shared_table


def test_batch_norm_and_dropout_act_on_the_vectors() -> None:
    run = start(TASK, batch_norm=True, dropout=0.5, hidden_width=12)
    run.model.train()
    vectors = run.model.target(run.train_rows.inputs)
    assert vectors.shape == (len(PAIRS), 2, 12)
    assert (vectors == 0).double().mean().item() == pytest.approx(0.5, abs=0.05)
    lengths = vectors.square().sum(dim=2) / 2  # dropout doubles what it keeps
    assert lengths.mean().item() == pytest.approx(1.0, abs=0.1)
