"""What holds of a GPU alone, beside the contract, which is tried on it, too; skipped where there is none."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable

import pytest
import torch

from objectives.registry import BUILT_IN, get_task
from objectives.task import Task
from objectives.training.data_parallel import DataParallelRun
from objectives.training.loop import train
from tests.objectives_tests.small_data import figures, needs_gpu, parameters_of, small_splits, start

pytestmark = needs_gpu

tasks = pytest.mark.parametrize("task", [get_task(name) for name in BUILT_IN], ids=list(BUILT_IN))


@tasks
def test_the_generators_of_device_and_process_neither_matter_nor_change(task: Task) -> None:
    expected = figures(list(train(start(task, dropout=0.3, device="cuda"))))
    torch.manual_seed(99)
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    assert figures(list(train(start(task, dropout=0.3, device="cuda")))) == expected
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])


@tasks
def test_a_round_begins_as_it_does_on_the_cpu(task: Task) -> None:
    """Weights and order of rows are drawn on the CPU: only rounding tells the devices apart."""
    drawn_on_the_device = {"dropout": 0.0, "crop": False, "flip": False, "jitter": 0.0}
    on_cpu, on_gpu = (
        start(task, optimizer="sgd", learning_rate=1e-3, device=device, **drawn_on_the_device).advance()
        for device in ("cpu", "cuda")
    )
    assert on_gpu.train_loss == pytest.approx(on_cpu.train_loss, rel=1e-3)
    assert on_gpu.valid_loss == pytest.approx(on_cpu.valid_loss, rel=1e-3)
    assert on_gpu.gradient_norm == pytest.approx(on_cpu.gradient_norm, rel=1e-2)


@tasks
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_no_step_waits_for_the_device(task: Task, optimizer: str) -> None:
    """Rounds of few and of many steps wait equally often, but for orders of rows, which are drawn on the CPU."""
    steps, waits = [], []
    for batch_size in (20, 4):
        one_pass = {"steps_per_round": None, "dropout": 0.3, "optimizer": optimizer}
        run = start(task, batch_size=batch_size, device="cuda", **one_pass)
        run.advance()
        steps.append(run.steps_per_round)
        waits.append(places_of_waits(run.train_round))
    assert steps[1] > steps[0]
    assert waits[1].total() - waits[0].total() < (steps[1] - steps[0]) / 2, waits


def places_of_waits(call: Callable[[], object]) -> Counter[str]:
    """Where a call waits for the device, and how often."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            call()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return Counter(f"{each.filename}:{each.lineno}" for each in seen if "synchronizing" in str(each.message))


@tasks
def test_the_most_memory_held_on_the_device_is_told(task: Task) -> None:
    torch.cuda.reset_peak_memory_stats()
    latest = start(task, device="cuda").advance()
    assert latest.cost is not None
    assert 0 < latest.cost.peak_memory_bytes < torch.cuda.get_device_properties(0).total_memory


def test_a_rank_of_its_own_trains_as_the_process_does() -> None:
    task = get_task("cifar10_cnn")
    parameters = parameters_of(task, dropout=0.0)
    expected = list(train(start(task, dropout=0.0, rounds=2, device="cuda")))
    run = DataParallelRun(
        task, parameters, small_splits(task), rounds=2, seed=7, device=torch.device("cuda"), devices=1
    )
    try:
        rounds = [run.advance(), run.advance()]
    finally:
        run.close()
    for ours, theirs in zip(rounds, expected, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert ours.valid_score == theirs.valid_score
