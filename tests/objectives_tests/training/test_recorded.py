"""Steps that are recorded once and replayed, with a stand-in for CUDA graphs: everything but the recording itself."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.rows.rows import Rows
from objectives.tasks.mnist_mlp import MnistMlp
from objectives.training import recorded
from objectives.training.loop import train
from objectives.training.recorded import BLOCK, blocks
from tests.objectives_tests.small_data import figures, start
from tests.objectives_tests.training.replayed_steps import (
    Program,
    Replayed,
    ReplayedSteps,
    start_replayed,
    start_written,
)
from tests.objectives_tests.training.states import bits

TASKS = ["mnist_mlp", "mnist_convnet", "cora_gcn", "text8_skipgram"]
VARIANTS: list[dict[str, Any]] = [
    {"optimizer": "sgd", "dropout": 0.0, "batch_norm": False},
    {"optimizer": "momentum", "schedule": "one_cycle"},
    {"optimizer": "adam", "gradient_clip": 0.5},
    {"optimizer": "adamw", "weight_decay": 0.1},
    {"optimizer": "rmsprop", "dropout": 0.5},
]


@pytest.fixture(autouse=True)
def _said_anew() -> None:
    recorded._say.cache_clear()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("values", VARIANTS, ids=lambda values: values["optimizer"])
def test_recorded_steps_do_what_written_ones_do(task: str, values: dict[str, Any]) -> None:
    ours, written = start_replayed(task, batch_size=3, **values), start_written(task, batch_size=3, **values)
    assert figures(list(train(ours))) == figures(list(train(written)))
    assert bits(ours.state_dict()) == bits(written.state_dict())
    assert ours._runner.reason is None


def test_a_run_driven_as_on_a_gpu_differs_from_one_on_the_cpu_by_rounding_only() -> None:
    ours, usual = (list(train(begin(schedule="cosine"))) for begin in (start_replayed, start))
    for one, other in zip(ours, usual, strict=True):
        assert one.learning_rate == other.learning_rate
        assert one.running_loss == pytest.approx(other.running_loss, rel=1e-5)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-4)
        assert one.first_layer_gradient_norm == pytest.approx(other.first_layer_gradient_norm, rel=1e-4)


def test_each_program_is_recorded_once_and_replayed_from_then_on() -> None:
    graphs = ReplayedSteps()
    run = start_replayed(graphs=graphs, batch_size=2, rounds=5)
    run.advance()
    kinds = len(graphs.recorded)
    before = sum(each.count for each in graphs.recorded)
    run.advance()
    assert len(graphs.recorded) == kinds < 6
    assert sum(each.count for each in graphs.recorded) - before < run.steps_per_round / 2


@given(num_steps=st.integers(1, 400), sampled_every=st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_blocks_are_the_rounds_steps_and_of_few_kinds(num_steps: int, sampled_every: int) -> None:
    found = list(blocks(num_steps, sampled_every))
    assert [each for block in found for each in block] == [
        step % sampled_every == 0 for step in range(num_steps)
    ]
    assert max(map(len, found)) <= BLOCK
    assert len(set(found)) <= 4


def test_what_cannot_be_recorded_goes_on_as_it_is_written_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(
        "WARNING", logger="objectives.training.recorded"
    )  # a worker, which tells its driver, silences it
    runs = [start_replayed(graphs=ReplayedSteps("no such thing")) for _ in range(2)]
    assert (
        figures(list(train(runs[0])))
        == figures(list(train(runs[1])))
        == figures(list(train(start_replayed())))
    )
    assert [record.message for record in caplog.records] == [
        "Training continues without recorded steps, slower and with the same figures: "
        "it can't be recorded: RuntimeError: no such thing."
    ]


class Fickle(MnistMlp):
    """Scales its batches by numbers that it draws on the processor, outside of torch."""

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        return dataclasses.replace(batch, inputs=batch.inputs * (0.5 + random.random()))


def test_a_step_that_draws_elsewhere_is_not_recorded() -> None:
    rounds = []
    for begin in (start_replayed, start_written):
        random.seed(3)
        run = begin(Fickle())
        rounds.append(figures(list(train(run))))
    assert rounds[0] == rounds[1]
    run = start_replayed(Fickle())
    run.advance()
    assert run._runner.reason == "a step draws random numbers on the processor"


class Wrong(ReplayedSteps):
    """Replays everything twice."""

    def record(self, program: Program) -> Replayed:
        def twice() -> None:
            program()
            program()

        return super().record(twice)


def test_a_recording_that_does_something_else_is_not_used() -> None:
    run = start_replayed(graphs=Wrong())
    assert figures(list(train(run))) == figures(list(train(start_written())))
    assert run._runner.reason == "a recorded step differs from the step itself"


def test_weights_without_a_number_are_compared_bit_for_bit() -> None:
    run, written = (begin(learning_rate=1e30, optimizer="sgd") for begin in (start_replayed, start_written))
    assert figures(list(train(run))) == figures(list(train(written)))
    assert not all(weight.isfinite().all() for weight in run.model.parameters())
    assert run._runner.reason is None


@pytest.mark.parametrize("begins", [(start_replayed, start_written), (start_written, start_replayed)])
@pytest.mark.parametrize("optimizer", ["momentum", "adam", "rmsprop"])
def test_a_state_passes_between_recorded_and_written_steps(begins: Any, optimizer: str) -> None:
    whole = start_replayed(optimizer=optimizer)
    expected = figures(list(train(whole)))
    first, second = (begin(optimizer=optimizer) for begin in begins)
    begun = [first.advance(), first.advance()]
    second.advance()  # its recordings then refer to what is replaced
    second.load_state_dict(first.state_dict())
    assert figures([*begun, *train(second)]) == expected
    assert bits(second.state_dict()) == bits(whole.state_dict())


def test_a_state_is_not_changed_by_later_rounds() -> None:
    run = start_replayed()
    run.advance()
    state = run.state_dict()
    kept = bits(state)
    run.advance()
    assert bits(state) == kept


def test_closing_gives_back_what_recording_took() -> None:
    graphs = ReplayedSteps()
    run = start_replayed(graphs=graphs)
    run.advance()
    run.close()
    assert graphs.is_closed
    assert all(weight.grad is None for weight in run.model.parameters())


def test_a_run_is_gone_when_nobody_holds_it() -> None:
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        run = start("mnist_mlp")
        run.advance()
        gone = weakref.ref(run.model)
        del run
        assert gone() is None
    finally:
        gc.enable()


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(4)
    before = torch.get_rng_state()
    list(train(start_replayed(dropout=0.5)))
    assert torch.equal(torch.get_rng_state(), before)
