"""Which rows a round trains on, and which an evaluation looks at."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.training.evaluation import evaluate
from tests.objectives_tests.row_task import NumberedRows

sizes = st.integers(1, 40)


@given(num_rows=sizes, batch_size=sizes, num_rounds=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_round_is_one_pass_in_whole_batches(num_rows: int, batch_size: int, num_rounds: int) -> None:
    task = NumberedRows()
    run = task.run(num_rows, batch_size=batch_size)
    whole = min(batch_size, num_rows)
    for _ in range(num_rounds):
        task.trained.clear()
        run.advance()
        assert [len(batch) for batch in task.trained] == [whole] * (num_rows // whole)
        rows = [row for batch in task.trained for row in batch]
        assert len(set(rows)) == len(rows)
        assert set(rows) <= set(range(num_rows))


def test_a_batch_larger_than_the_data_is_all_of_it() -> None:
    task = NumberedRows()
    task.run(12, batch_size=60_000).advance()
    assert [sorted(batch) for batch in task.trained] == [list(range(12))]


def test_a_ragged_rest_is_left_out_and_is_another_each_pass() -> None:
    task = NumberedRows()
    run = task.run(17, batch_size=4)
    left_out = set()
    for _ in range(8):
        task.trained.clear()
        run.advance()
        assert [len(batch) for batch in task.trained] == [4, 4, 4, 4]
        left_out |= set(range(17)) - {row for batch in task.trained for row in batch}
    assert len(left_out) > 1


def test_the_order_is_the_seeds_and_changes_from_pass_to_pass() -> None:
    orders = []
    for seed in (1, 1, 2):
        task = NumberedRows()
        run = task.run(32, seed=seed)
        run.advance(), run.advance()
        orders.append(task.trained)
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:4] != orders[0][4:]


def test_training_is_evaluated_on_as_many_rows_as_validation_and_always_the_same() -> None:
    task = NumberedRows()
    run = task.run(50, 20)
    run.advance(), run.advance()
    sample, valid, again, _ = task.evaluated
    assert valid == list(range(20))
    assert len(set(sample)) == 20
    assert sample == again == sorted(sample)
    assert set(sample) != set(range(20))


@given(num_rows=st.integers(2, 60), evaluation_rows=st.integers(3, 20))
@settings(max_examples=60, deadline=None)
def test_an_evaluation_sees_every_row_once_and_none_alone(num_rows: int, evaluation_rows: int) -> None:
    task = NumberedRows(evaluation_rows)
    run = task.run(2, num_rows)
    evaluate(task, run.model, run.valid_rows, run.parameters)
    assert [row for batch in task.evaluated for row in batch] == list(range(num_rows))
    assert all(1 < len(batch) <= evaluation_rows for batch in task.evaluated)
