"""A state is a snapshot: what trains on changes neither it nor the other runs that start from it."""

from __future__ import annotations

from objectives.training.loop import train
from tests.objectives_tests.small_data import figures, start


def test_training_on_leaves_a_state_as_it_was_taken() -> None:
    run = start(dropout=0.3)
    run.advance()
    state = run.state_dict()
    expected = figures(list(train(run)))
    again = start(dropout=0.3)
    again.load_state_dict(state)
    assert figures(list(train(again))) == expected


def test_two_runs_from_one_state_do_not_meet() -> None:
    run = start(optimizer="adam")
    run.advance()
    state = run.state_dict()
    one, other = start(optimizer="adam"), start(optimizer="adam")
    one.load_state_dict(state)
    other.load_state_dict(state)
    first = figures(list(train(one)))
    assert figures(list(train(other))) == first


def test_a_run_that_is_done_has_no_rounds_left() -> None:
    run = start(rounds=2)
    assert len(list(train(run))) == 2
    again = start(rounds=2)
    again.load_state_dict(run.state_dict())
    assert list(train(again)) == []


def test_to_stop_is_to_stop_iterating() -> None:
    run = start(rounds=4)
    for latest in train(run):
        if latest.index == 2:
            break
    assert run.rounds_done == 2
    assert [latest.index for latest in train(run)] == [3, 4]
