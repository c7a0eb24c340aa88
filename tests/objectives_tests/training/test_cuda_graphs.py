"""Recorded steps and packs on a GPU: bit for bit what written steps do alone; skipped where there is none."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pytest
import torch

from objectives.registry import BUILT_IN, get_task
from objectives.rows.rows import Rows
from objectives.tasks.mnist_mlp import MnistMlp
from objectives.training.cuda_graphs import CudaGraphs
from objectives.training.loop import Run, train
from objectives.training.pack import Pack
from tests.objectives_tests.small_data import (
    digits,
    figures,
    needs_gpu,
    parameters_of,
    small_splits,
    splits_of,
)
from tests.objectives_tests.training.states import bits
from tests.objectives_tests.training.test_pack import trained

pytestmark = needs_gpu

ROUNDS = 3
CONFIGURATIONS: list[dict[str, Any]] = [
    {
        "optimizer": optimizer,
        "dropout": dropout,
        "batch_norm": batch_norm,
        "batch_size": 32,
        "hidden_width": width,
    }
    for width, (optimizer, dropout, batch_norm) in enumerate(
        itertools.product(("sgd", "momentum", "adam", "adamw", "rmsprop"), (0.0, 0.3), (False, True)), 64
    )
]
configurations = pytest.mark.parametrize(
    "values", CONFIGURATIONS, ids=lambda values: "-".join(map(str, list(values.values())[:3]))
)
SPLITS = functools.cache(lambda: splits_of(digits(1200), digits(300, seed=1)))


def begin(*, recorded: bool, task: Any = None, splits: Any = None, seed: int = 7, **values: Any) -> Run:
    task, device = task or get_task("mnist_mlp"), torch.device("cuda")
    return Run(
        task,
        parameters_of(task, **values),
        splits or SPLITS(),
        rounds=ROUNDS,
        seed=seed,
        device=device,
        graphs=CudaGraphs(device) if recorded else None,
    )


@functools.cache
def expected(number: int) -> tuple[list[str], Any, Any]:
    """What a configuration's written steps do alone: figures, state in the middle, and state at the end."""
    run = begin(recorded=False, **CONFIGURATIONS[number])
    first = run.advance()
    middle = run.state_dict()
    return figures([first, *train(run)]), middle, bits(run.state_dict())


@configurations
def test_recorded_steps_do_what_written_ones_do(values: dict[str, Any]) -> None:
    rounds, _, end = expected(CONFIGURATIONS.index(values))
    run = begin(recorded=True, **values)
    assert figures(list(train(run))) == rounds
    assert bits(run.state_dict()) == end
    assert run._runner.reason is None
    run.close()


@configurations
@pytest.mark.parametrize("recorded", [False, True], ids=["to written", "to recorded"])
def test_a_state_passes_to_either(values: dict[str, Any], recorded: bool) -> None:
    rounds, middle, end = expected(CONFIGURATIONS.index(values))
    first = begin(recorded=not recorded, **values)
    first.advance()
    assert bits(first.state_dict()) == bits(middle)
    second = begin(recorded=recorded, **values)
    second.load_state_dict(first.state_dict())
    assert figures(list(train(second))) == rounds[1:]
    assert bits(second.state_dict()) == end
    first.close(), second.close()


@pytest.mark.parametrize("size", [4, 16])
def test_a_pack_does_what_each_does_alone(size: int) -> None:
    for first in range(0, len(CONFIGURATIONS), size):
        some = range(first, min(first + size, len(CONFIGURATIONS)))
        runs = {number: begin(recorded=True, **CONFIGURATIONS[number]) for number in some}
        for number, rounds in trained(Pack(), runs).items():
            assert figures(rounds) == expected(number)[0]  # type: ignore[arg-type]
            assert bits(runs[number].state_dict()) == expected(number)[2]
            runs[number].close()


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_task_is_recorded(name: str) -> None:
    task = get_task(name)
    values = {"task": task, "splits": small_splits(task), "batch_size": 8, "dropout": 0.3}
    ours, written = (begin(recorded=recorded, **values) for recorded in (True, False))
    assert figures(list(train(ours))) == figures(list(train(written)))
    assert bits(ours.state_dict()) == bits(written.state_dict())
    assert ours._runner.reason is None
    ours.close()


class Waiting(MnistMlp):
    """Looks at its losses on the processor, which no recorded step can do."""

    def losses(self, outputs: torch.Tensor, targets: torch.Tensor, parameters: Any) -> torch.Tensor:
        losses = super().losses(outputs, targets, parameters)
        return losses * (1.0 if losses.sum().item() > -1 else 2.0)


def test_a_step_that_waits_for_the_device_trains_as_it_is_written_beside_recorded_ones() -> None:
    runs = {0: begin(recorded=True, task=Waiting()), 1: begin(recorded=True, dropout=0.3)}
    told = trained(Pack(), runs)
    assert "can't be recorded" in runs[0]._runner.reason
    assert figures(told[0]) == figures(list(train(begin(recorded=False, task=Waiting()))))  # type: ignore[arg-type]
    assert figures(told[1]) == figures(list(train(begin(recorded=False, dropout=0.3))))  # type: ignore[arg-type]
    assert runs[1]._runner.reason is None


class TooLarge(MnistMlp):
    """Asks for more memory than there is, from its second step on."""

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        torch.empty(2**60, device="cuda")
        return batch


def test_out_of_memory_of_one_is_its_own() -> None:
    runs = {0: begin(recorded=True, task=TooLarge()), 1: begin(recorded=True, dropout=0.3)}
    told = trained(Pack(), runs)
    assert isinstance(told[0][-1], torch.OutOfMemoryError)
    assert figures(told[1]) == figures(list(train(begin(recorded=False, dropout=0.3))))  # type: ignore[arg-type]


def test_a_place_is_taken_by_one_run_after_the_other() -> None:
    """More runs than torch has streams, and each destroys its graphs while the other trains on."""
    long_lived = begin(recorded=True, seed=1, dropout=0.3)
    rounds = []
    for seed in range(70):
        run = begin(recorded=True, seed=seed)
        run.advance()
        run.close()
        if seed in (20, 40, 69):
            rounds.append(long_lived.advance())
    assert figures(rounds) == figures(list(train(begin(recorded=False, seed=1, dropout=0.3))))


def test_more_runs_than_streams_are_refused() -> None:
    held = []
    with pytest.raises(RuntimeError, match="train fewer at once"):
        for _ in range(70):
            held.append(CudaGraphs(torch.device("cuda")))
    for graphs in held:
        graphs.close()
