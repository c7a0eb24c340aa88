"""Runs that take turns in one process, with a stand-in for CUDA graphs."""

from __future__ import annotations

from typing import Any

import pytest

from objectives.registry import get_task
from objectives.round import Round
from objectives.rows.rows import Rows
from objectives.tasks.mnist_mlp import MnistMlp
from objectives.training.loop import Run, train
from objectives.training.pack import Pack
from objectives.training.repeated_run import RepeatedRun
from tests.objectives_tests.small_data import figures, parameters_of, small_splits, start
from tests.objectives_tests.training.replayed_steps import start_replayed, start_written

MIXED: list[dict[str, Any]] = [
    {"optimizer": "adam", "dropout": 0.5, "batch_size": 4, "seed": 1},
    {"optimizer": "momentum", "hidden_width": 20, "batch_size": 7, "seed": 2},
    {"optimizer": "rmsprop", "batch_norm": False, "dropout": 0.0, "seed": 3},
    {"optimizer": "adam", "dropout": 0.5, "batch_size": 4, "seed": 1},
]


def trained(pack: Pack[int], runs: dict[int, Any]) -> dict[int, list[Round | Exception]]:
    """What became of runs that train side by side to their ends."""
    told: dict[int, list[Round | Exception]] = {key: [] for key in runs}
    for key, run in runs.items():
        pack.begin(key, run)
    while len(pack):
        key, outcome = pack.next()
        told[key].append(outcome)
        if isinstance(outcome, Round) and runs[key].rounds_done < runs[key].rounds:
            pack.begin(key, runs[key])
    return told


def test_each_run_trains_as_if_it_were_alone() -> None:
    runs = {number: start_replayed(**values) for number, values in enumerate(MIXED)}
    for number, rounds in trained(Pack(), runs).items():
        assert figures(rounds) == figures(list(train(start_written(**MIXED[number]))))  # type: ignore[arg-type]


class Failing(MnistMlp):
    """Fails in its sixth step."""

    def __init__(self) -> None:
        self.count = 0

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        self.count += 1
        if self.count == 6:
            raise ValueError("this task fails")
        return batch


def test_an_error_ends_its_own_run_alone() -> None:
    pack: Pack[int] = Pack()
    told = trained(pack, {0: start_replayed(seed=1), 1: start_written(Failing()), 2: start_replayed(seed=2)})
    assert [isinstance(outcome, Round) for outcome in told[1]] == [True, False]
    assert repr(told[1][-1]) == "ValueError('this task fails')"
    for number in (0, 2):
        assert figures(told[number]) == figures(list(train(start_replayed(seed=1 if number == 0 else 2))))  # type: ignore[arg-type]


def test_a_run_leaves_and_another_takes_its_place() -> None:
    pack: Pack[str] = Pack()
    first, other, next_one = (start_replayed(seed=seed) for seed in (1, 2, 3))
    rounds: dict[str, list[Any]] = {"first": [], "other": [], "next": []}
    pack.begin("first", first), pack.begin("other", other)
    pack.drop("first")
    first.close()
    pack.begin("next", next_one)
    runs = {"other": other, "next": next_one}
    while len(pack):
        key, outcome = pack.next()
        rounds[key].append(outcome)
        if runs[key].rounds_done < runs[key].rounds:
            pack.begin(key, runs[key])
    assert not rounds["first"]
    assert figures(rounds["other"]) == figures(list(train(start_replayed(seed=2))))
    assert figures(rounds["next"]) == figures(list(train(start_replayed(seed=3))))


def test_a_state_taken_in_a_pack_is_gone_on_with_outside() -> None:
    pack: Pack[int] = Pack()
    runs = [start_replayed(seed=seed) for seed in (1, 2)]
    for number, run in enumerate(runs):
        pack.begin(number, run)
    begun = {told.key: told.outcome for told in (pack.next(), pack.next())}
    alone = start_written(seed=2)
    alone.load_state_dict(runs[1].state_dict())
    assert figures([begun[1], *train(alone)]) == figures(list(train(start_replayed(seed=2))))  # type: ignore[list-item]


def test_runs_of_other_kinds_train_along() -> None:
    task = get_task("mnist_mlp")

    def begin(number: int) -> Run:
        return Run(task, parameters_of(task), small_splits(task), rounds=2, seed=number)

    told = trained(Pack(), {0: RepeatedRun(begin, 2, keep=False), 1: start(seed=5)})
    assert figures(told[0]) == figures(list(train(RepeatedRun(begin, 2, keep=False))))  # type: ignore[arg-type]
    assert figures(told[1]) == figures(list(train(start(seed=5))))  # type: ignore[arg-type]


def test_who_began_nothing_waits_for_nothing() -> None:
    with pytest.raises(LookupError, match="No round was begun"):
        Pack[int]().next()
