"""A stand-in for CUDA graphs on the CPU: a recording is the program, run again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from objectives.registry import get_task
from objectives.task import Task
from objectives.training.loop import Run
from tests.objectives_tests.small_data import parameters_of, small_splits

Program = Callable[[], None]


@dataclasses.dataclass
class Replayed:
    program: Program
    count: int = 0

    def replay(self) -> None:
        self.count += 1
        self.program()


class ReplayedSteps:
    """Keeps what it records. refuses: the message of the error with which it records nothing."""

    stream = None

    def __init__(self, refuses: str | None = None) -> None:
        self.recorded: list[Replayed] = []
        self.refuses = refuses
        self.is_closed = False

    def record(self, program: Program) -> Replayed:
        if self.refuses is not None:
            raise RuntimeError(self.refuses)
        self.recorded.append(Replayed(program))
        return self.recorded[-1]

    def clear(self) -> None:
        self.recorded.clear()

    def close(self) -> None:
        self.clear()
        self.is_closed = True


def start_replayed(
    task: Task | str = "mnist_mlp",
    *,
    graphs: ReplayedSteps | None = None,
    rounds: int = 4,
    seed: int = 7,
    **values: object,
) -> Run:
    """A run on the CPU that is driven as one on a GPU is; as it is written where `graphs` refuse."""
    which = get_task(task) if isinstance(task, str) else task
    return Run(
        which,
        parameters_of(which, **values),
        small_splits(which),
        rounds=rounds,
        seed=seed,
        graphs=graphs or ReplayedSteps(),
    )


def start_written(task: Task | str = "mnist_mlp", **values: object) -> Run:
    """The same, with nothing recorded."""
    return start_replayed(task, graphs=ReplayedSteps("nothing is recorded here"), **values)  # type: ignore[arg-type]
