"""A run on two devices is the run on one, and leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from objectives.errors import ParametersError
from objectives.registry import get_task
from objectives.round import Round
from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.tasks.cifar10_cnn import Cifar10Cnn
from objectives.training.data_parallel import DataParallelRun
from objectives.training.loop import Run, start_run, train
from objectives.training.ranks import RankError
from tests.objectives_tests.small_data import figures, parameters_of, small_splits

CPU = torch.device("cpu")
ROUNDS = 5
VALUES: dict[str, Any] = {  # four steps a round; shares of seven rows and of eight
    "batch_size": 15,
    "dropout": 0.0,
    "batch_norm": False,
    "optimizer": "momentum",
    "learning_rate": 0.01,
    "schedule": "staircase",
    "decay_epochs": 2.5,
    "jitter": 1.0,
}


def ranks() -> set[int | None]:
    """Process ids of all ranks that this process has."""
    return {child.pid for child in multiprocessing.active_children() if child.name.startswith("rank")}


def begin(devices: int, task: Task | None = None, **values: Any) -> Any:
    """A run on small pictures."""
    task = task or get_task("cifar10_cnn")
    parameters = parameters_of(task, **{**VALUES, **values, "devices": devices})
    return start_run(task, parameters, small_splits(task), rounds=ROUNDS, seed=7, device=CPU)


@pytest.fixture(scope="module")
def on_one() -> tuple[Run, list[Round]]:
    run = begin(1)
    return run, list(train(run))


@pytest.fixture(scope="module")
def on_two() -> Iterator[tuple[DataParallelRun, list[Round], dict[str, Any]]]:
    """A run that is over, its rounds, and its state after two of them."""
    run = begin(2)
    first = [run.advance(), run.advance()]
    state = run.state_dict()
    yield run, first + list(train(run)), state
    run.close()


def test_two_devices_get_the_weights_that_one_gets(on_one: Any, on_two: Any) -> None:
    (one, _), (two, *_) = on_one, on_two
    assert one.steps_done == 20
    assert two.model.state_dict().keys() == one.model.state_dict().keys()
    for name, weight in one.model.state_dict().items():
        difference = two.model.state_dict()[name] - weight
        assert difference.norm() <= 1e-6 * weight.norm(), name


def test_two_devices_tell_the_rounds_that_one_tells(on_one: Any, on_two: Any) -> None:
    for one, two in zip(on_one[1], on_two[1], strict=True):
        told = {name: figure for name, figure in one.figures().items() if figure is not None}
        assert {name: two.figures()[name] for name in told} == pytest.approx(told, rel=1e-5)


def test_a_schedule_counts_global_batches(on_one: Any, on_two: Any) -> None:
    rates = [latest.learning_rate for latest in on_one[1]]
    assert rates == [latest.learning_rate for latest in on_two[1]]
    assert rates == pytest.approx(
        [0.01, 0.01, 0.001, 0.001, 0.001]
    )  # from step 10 on, in the third round of four


def test_a_run_continues_exactly_from_its_state(on_two: Any) -> None:
    _, rounds, state = on_two
    run = begin(2)
    run.load_state_dict(state)
    assert figures(list(train(run))) == figures(rounds[2:])
    before = ranks()
    del run  # dropped, not closed
    assert len(before - ranks()) == 2


class Faulty(Cifar10Cnn):
    """Rank 1 does not get through its second round."""

    def augment(self, batch: Rows, parameters: Any) -> Rows:
        self.augmented = getattr(self, "augmented", 0) + 1
        if torch.distributed.get_rank() == 1 and self.augmented == 7:
            if parameters.jitter == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            raise LookupError("no more pictures")
        return super().augment(batch, parameters)


@pytest.mark.parametrize(
    ("jitter", "message"),
    [
        (0.0, "Rank 1 of 2 was killed by signal 9."),
        (1.0, "Rank 1 of 2 failed: LookupError: no more pictures"),
    ],
)
def test_a_rank_that_ends_ends_the_run(jitter: float, message: str) -> None:
    before = ranks()
    run = begin(2, Faulty(), jitter=jitter)
    run.advance()
    with pytest.raises(RankError, match=message):
        run.advance()
    assert ranks() == before
    with pytest.raises(RankError, match="its processes no longer exist"):
        run.advance()


def test_batch_norm_needs_two_rows_a_device() -> None:
    with pytest.raises(
        ParametersError, match="15 rows on 8 devices are fewer than 2 for each, which batch norm needs"
    ):
        begin(8, batch_norm=True)
    with pytest.raises(ParametersError, match="15 rows on 16 devices are fewer than 1 for each"):
        begin(16)


SCRIPT = """
import multiprocessing, sys, time
from tests.objectives_tests.training.test_data_parallel import begin

if __name__ == "__main__":
    run = begin(2)
    run.advance()
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    while True:
        run.advance()
        run.load_state_dict(run.state_dict() | {"rounds_done": 0})
"""


def test_ranks_of_a_script_end_with_it(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    script = subprocess.Popen(
        [sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE, env=environment
    )
    assert script.stdout is not None
    children = [psutil.Process(int(word)) for word in script.stdout.readline().split()]
    assert len(children) == 2
    script.kill()
    script.wait()
    _, alive = psutil.wait_procs(children, timeout=400)
    assert not alive
    script.stdout.close()
