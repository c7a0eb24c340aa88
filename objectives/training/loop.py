"""The training loop that all tasks share: it trains one round at a time.

To stop a trial, ask for no further round. Everything that the next round depends on is in the `Run`. Its `state_dict`
can be saved and loaded without changing any figure.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from objectives.round import Cost, Round
from objectives.rows.rows import Splits
from objectives.seeding import derive_seed
from objectives.task import Task
from objectives.training.clock import clock_of
from objectives.training.cuda_graphs import CudaGraphs
from objectives.training.feed import DeviceFeed, Feed, HostFeed
from objectives.training.look import Look, Looked
from objectives.training.noise import Noise
from objectives.training.optimizers import make_optimizer
from objectives.training.order import Order
from objectives.training.recorded import Graphs, OneByOne, Recorded, Runner
from objectives.training.step import Changing, Step
from objectives.training.tally import BufferTally, ListTally, Tally, Trained
from objectives.training_run import TrainingRun

CUBLAS_WORKSPACE = ":4096:8"  # eight buffers of 4 MiB, as its documentation recommends
GRADIENT_SAMPLES = 16  # steps of each round in which the gradient's norm is computed
PARTS_AHEAD = 3  # parts of a round that are queued on a GPU in advance
_OVER = object()


def make_deterministic(threads: int) -> None:
    """Fix the number of threads and the choice of algorithms, so that figures do not differ between processes.

    On a GPU, cuBLAS is deterministic only with a workspace of fixed size, which must be set before its first use. TF32
    is switched off, because with it, torch lets convolutions round their float32 inputs to ten bits.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    torch.set_num_threads(threads)
    _make_algorithms_deterministic()
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it costs time
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _make_algorithms_deterministic() -> None:
    """As `torch.use_deterministic_algorithms(True)`, which imports torch's compiler for its last line.

    That line switches the compiler's own choices; here they are switched when a task imports it.
    """
    torch.set_deterministic_debug_mode("error")
    os.environ["TORCHINDUCTOR_DETERMINISTIC"] = "1"  # read at the import
    if (config := sys.modules.get("torch._inductor.config")) is not None:
        config.deterministic = True  # type: ignore[attr-defined]


class Run:
    """The whole state of one training run: a pure function of task, parameters, data, rounds and seed.

    graphs: records steps, to replay them later; None to execute each step normally. The figures are the same.
    """

    def __init__(
        self,
        task: Task,
        parameters: Any,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device | None = None,
        graphs: Graphs | None = None,
    ) -> None:
        self.task = task
        self.parameters = parameters
        self.rounds = rounds
        self.rounds_done = 0
        self.device = device or torch.device("cpu")
        self._graphs = graphs
        self._clock = clock_of(self.device)
        with self._on_stream():
            self._prepare_rows(splits, seed)
            self._build(seed)
            self._prepare_steps(seed)

    def _prepare_rows(self, splits: Splits, seed: int) -> None:
        task, parameters, device = self.task, self.parameters, self.device
        self.train_rows = task.prepare(splits.train.to(device), parameters)
        self.valid_rows = task.prepare_evaluation(
            task.prepare(splits.valid.to(device), parameters), parameters
        )
        self.train_sample = task.prepare_evaluation(
            self.train_rows[_sample(splits, seed).to(device)], parameters
        )

    def _build(self, seed: int) -> None:
        parameters, device = self.parameters, self.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(derive_seed(seed, "weights"))
            self.model: nn.Module = self.task.build(parameters, self.train_rows[:2]).to(device)
        self._noise = Noise(derive_seed(seed, "noise"), device)  # dropout, augmentation
        self.optimizer = make_optimizer(
            parameters.optimizer,
            [weight for weight in self.model.parameters() if weight.requires_grad],
            parameters.learning_rate,
            parameters.weight_decay,
        )

    def _prepare_steps(self, seed: int) -> None:
        self.batch_size = min(self.parameters.batch_size, len(self.train_rows))
        self.steps_per_round = self.task.steps_per_round(self.parameters, len(self.train_rows))
        self._feed: Feed
        self._tally: Tally
        on_device = self.device.type == "cuda" or self._graphs is not None
        rows_device = torch.device("cpu") if on_device else self.device
        self._order = Order(len(self.train_rows), self.batch_size, derive_seed(seed, "order"), rows_device)
        rate = functools.partial(
            _rate_at, self.task, self.parameters, self.rounds * self.steps_per_round, len(self.train_rows)
        )
        if on_device:
            self._feed = DeviceFeed(self.optimizer, self._order, rate, self.device)
            self._tally = BufferTally(self.device)
        else:
            self._feed = HostFeed(self.optimizer, self._order, rate)
            self._tally = ListTally(self.device)
        self._step = self._make_step()
        self._look = Look(self.task, self.model, self.train_sample, self.valid_rows, self.parameters)
        self._changing = Changing(self.model, self.optimizer, self._feed, self._tally)
        self._runner: Runner = (
            OneByOne(self._noise, self._feed)
            if self._graphs is None
            else Recorded(self._graphs, self._noise, self._feed, self._changing)
        )

    def _make_step(self) -> Step:
        return Step(
            self.task,
            self.model,
            self.optimizer,
            self.parameters,
            self.train_rows,
            self._feed,
            self._tally,
        )

    @property
    def steps_done(self) -> int:
        """The number of optimiser steps so far."""
        return self._feed.steps_done

    @property
    def unrecorded(self) -> str | None:
        """Why steps are not recorded although `graphs` was given; None if they are recorded, or need not be."""
        return self._runner.reason if isinstance(self._runner, Recorded) else None

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that the next round depends on. Later rounds don't change it."""
        with self._on_stream():
            return {
                "rounds_done": self.rounds_done,
                "steps_done": self.steps_done,
                "model": copy.deepcopy(self.model.state_dict()),
                "optimizer": copy.deepcopy(self.optimizer.state_dict()),
                "noise": self._noise.state_dict(),
                "order": self._order.state_dict(),
            }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken. The following rounds are the same as without the interruption."""
        with self._on_stream():
            self.rounds_done = state["rounds_done"]
            self._feed.steps_done = state["steps_done"]
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(
                copy.deepcopy(state["optimizer"])
            )  # a copy: training must not change `state`
            self._noise.load_state_dict(state["noise"])
            self._order.load_state_dict(state["order"])
            self._feed.attach()
            self._runner.forget()

    def advance(self) -> Round:
        """Train one round and evaluate."""
        self.begin_round()
        return self.end_round()

    def begin_round(self) -> None:
        """Start one round and its evaluation. A GPU then works asynchronously. `end_round` must be the next call."""
        for _ in self.round_in_parts():
            pass

    def round_in_parts(self) -> Iterator[None]:
        """Like `begin_round`, but each `next` on the iterator starts only a small part, so that runs can take turns."""
        self._began = time.perf_counter()
        self._clock = clock_of(self.device)
        with self._on_stream():
            self._clock.mark()
        yield from self._steps_in_parts()
        with self._on_stream():
            self._clock.mark()
            self._runner.run("look", self._tell)
            self._told = _on_its_way(self._changing.figures)
            self._clock.mark()

    def is_ahead(self) -> bool:
        """Whether enough parts of this run are queued on a GPU. More would make the CPU and other runs wait."""
        return self._clock.num_parts_ahead() >= PARTS_AHEAD

    def is_round_done(self) -> bool:
        """Whether the round is done, so that `end_round` would not wait."""
        return self._clock.is_done()

    def end_round(self) -> Round:
        """Wait for the round that was begun, and return it."""
        self._clock.wait()
        self.rounds_done += 1
        values = self._told.tolist()
        trained, looked = Trained.from_values(values[:3]), self._look.told(values[3:])
        return self._round(trained, looked)

    def train_round(self) -> Trained:
        """Train one round without evaluating the model."""
        for _ in self._steps_in_parts():
            pass
        with self._on_stream():
            trained = Trained.from_values(self._tallied().tolist())
        self.rounds_done += 1
        return trained

    def close(self) -> None:
        """Release the recorded steps and the stream that the run has on a GPU."""
        if self._graphs is not None:
            for weight in self.model.parameters():
                weight.grad = None  # the gradients of a recorded step are in its memory
            self._graphs.close()

    def _steps_in_parts(self) -> Iterator[None]:
        """Make the optimiser steps of one round, some at each call of `next`. Other runs must use other streams."""
        with self._on_stream():
            self.model.train()
            self._step.choose_weights()
            self._feed.begin_round(self.steps_per_round)
            self._tally.clear()
        sampled_every = max(1, self.steps_per_round // GRADIENT_SAMPLES)
        steps = self._runner.steps(self.steps_per_round, sampled_every, self._make_steps)
        while True:
            with self._on_stream():
                is_over = next(steps, _OVER) is _OVER
                if not is_over:
                    self._clock.mark_part()
            if is_over:
                return
            yield

    def _make_steps(self, block: tuple[bool, ...]) -> None:
        for is_sampled in block:
            self._step(is_sampled)

    def _tallied(self) -> Tensor:
        return self._tally.values(self.steps_per_round)

    def _tell(self) -> None:
        """Copy the figures of the steps and of a look into one tensor, which has the same address in each round."""
        figures = torch.cat([self._tallied(), self._look()])
        if self._changing.figures is None:
            self._changing.figures = figures
        else:
            self._changing.figures.copy_(figures)

    @contextlib.contextmanager
    def _on_stream(self) -> Iterator[None]:
        """Inside the `with` block, work on a GPU goes to the stream on which this run's steps are recorded."""
        stream = None if self._graphs is None else self._graphs.stream
        with contextlib.nullcontext() if stream is None else torch.cuda.stream(stream):
            yield

    def _round(self, trained: Trained, looked: Looked) -> Round:
        return Round(
            index=self.rounds_done,
            train_loss=looked.train.loss,
            train_score=looked.train.score,
            valid_loss=looked.valid.loss,
            valid_score=looked.valid.score,
            running_loss=trained.running_loss,
            valid_score_batch_statistics=looked.valid_score_batch_statistics,
            learning_rate=self._feed.rate(self.steps_done - 1),
            gradient_norm=trained.gradient_norm,
            first_layer_gradient_norm=trained.first_layer_gradient_norm,
            dead_share=looked.dead_share,
            saturated_share=looked.saturated_share,
            cost=Cost(
                seconds=time.perf_counter() - self._began,
                train_rows_per_second=self.steps_per_round * self.batch_size / self._clock.seconds(0, 1),
                peak_memory_bytes=peak_memory_bytes(self.device),
            ),
        )


def start_run(
    task: Task, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
) -> TrainingRun:
    """A new training run: that of the task's own loop if it has one, else that of the shared loop.

    On CUDA, the shared loop records its steps and replays them.
    """
    own = task.start(parameters, splits, rounds=rounds, seed=seed, device=device)
    if own is not None:
        return own
    graphs = CudaGraphs(device) if device.type == "cuda" else None
    return Run(task, parameters, splits, rounds=rounds, seed=seed, device=device, graphs=graphs)


def train(run: TrainingRun) -> Iterator[Round]:
    """Train the remaining rounds of `run`, and yield each."""
    while run.rounds_done < run.rounds:
        yield run.advance()


def _rate_at(task: Task, parameters: Any, total_steps: int, num_train: int, step: int) -> float:
    """The learning rate of a step."""
    factor = task.learning_rate_factor(parameters, step, total_steps, num_train)
    rate: float = parameters.learning_rate * factor
    return rate


def _sample(splits: Splits, seed: int) -> Tensor:
    """Indices of the training rows that are evaluated after each round: as many as there are validation rows."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "train sample"))
    return torch.randperm(len(splits.train), generator=generator)[: len(splits.valid)].sort().values


def _on_its_way(figures: Tensor | None) -> Tensor:
    """A copy of the figures in the CPU's memory. From a GPU, it is complete once the GPU has done its queued work."""
    assert figures is not None
    if not figures.is_cuda:
        return figures
    here = torch.empty(figures.shape, dtype=figures.dtype, pin_memory=True)
    return here.copy_(figures, non_blocking=True)


def peak_memory_bytes(device: torch.device) -> int:
    """The peak memory in bytes: on a GPU, of tensors since its statistics were reset; on the CPU, of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
