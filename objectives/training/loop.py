"""The one training loop: a generator that yields a round and knows no listener.

To stop a trial is to stop iterating. Everything the next round depends on is in the `Run`, whose
`state_dict` round trip is exact.
"""

from __future__ import annotations

import contextlib
import copy
import os
import resource
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from objectives.round import Cost, Round
from objectives.rows.rows import Rows, Splits
from objectives.seeding import derive_seed
from objectives.task import Task
from objectives.training.evaluation import UnitActivity, evaluate, evaluate_with_batch_statistics
from objectives.training.optimizers import make_optimizer
from objectives.training_run import TrainingRun

CUBLAS_WORKSPACE = ":4096:8"  # eight buffers of 4 MiB, as its documentation recommends
GRADIENT_SAMPLES = 16  # steps a round on which the gradient's norm is taken


def make_deterministic(threads: int) -> None:
    """Fix what makes figures differ between processes: threads and the choice of algorithms.

    On a GPU, cuBLAS is deterministic only with a workspace of fixed size, which must be set before it is first used,
    and float32 is to mean that: torch would let convolutions round their inputs to ten bits (TF32).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs a pass each
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


class Trained(NamedTuple):
    """What a round's steps tell, as a Round names it."""

    running_loss: float
    gradient_norm: float
    first_layer_gradient_norm: float | None


class Run:
    """The whole state of one training run: a pure function of task, parameters, data, rounds and seed."""

    def __init__(
        self,
        task: Task,
        parameters: Any,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        device = device or torch.device("cpu")
        self.task = task
        self.parameters = parameters
        self.rounds = rounds
        self.rounds_done = 0
        self.device = device
        self.train_rows = task.prepare(splits.train.to(device), parameters)
        self.valid_rows = task.prepare_evaluation(
            task.prepare(splits.valid.to(device), parameters), parameters
        )
        self.train_sample = task.prepare_evaluation(
            self.train_rows[_sample(splits, seed).to(device)], parameters
        )
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(derive_seed(seed, "weights"))
            self.model: nn.Module = task.build(parameters, self.train_rows[:2]).to(device)
            torch.manual_seed(derive_seed(seed, "noise"))  # dropout, augmentation
            self._noise = _random_state(device)
        self.optimizer = make_optimizer(
            parameters.optimizer,
            [weight for weight in self.model.parameters() if weight.requires_grad],
            parameters.learning_rate,
            parameters.weight_decay,
        )
        self.batch_size = min(parameters.batch_size, len(self.train_rows))
        self.steps_per_round = task.steps_per_round(parameters, len(self.train_rows))
        self.steps_done = 0
        self._order = _Order(len(self.train_rows), self.batch_size, derive_seed(seed, "order"), device)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next round depends on, as it is now: later rounds don't change it."""
        return {
            "rounds_done": self.rounds_done,
            "steps_done": self.steps_done,
            "model": copy.deepcopy(self.model.state_dict()),
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "noise": self._noise,
            "order": self._order.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken, with the same rounds as if there had been no break."""
        self.rounds_done = state["rounds_done"]
        self.steps_done = state["steps_done"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # else it would train on `state`
        self._noise = state["noise"]
        self._order.load_state_dict(state["order"])

    def advance(self) -> Round:
        """Train one round and evaluate."""
        started = time.perf_counter()
        trained = self.train_round()
        return self._look(trained, started, time.perf_counter())

    def train_round(self) -> Trained:
        """Train one round, without evaluating."""
        generators = torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])
        with generators, _denormals_as_zero():
            _set_random_state(self._noise, self.device)
            trained = self._train_steps()
            self._noise = _random_state(self.device)
        self.rounds_done += 1
        return trained

    def close(self) -> None:
        """Nothing to end: the run holds no process but this one."""

    def _train_steps(self) -> Trained:
        """One round of optimiser steps."""
        task, model, optimizer, parameters = self.task, self.model, self.optimizer, self.parameters
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        clip = parameters.gradient_clip
        num_train = len(self.train_rows)
        total_steps = self.rounds * self.steps_per_round
        sampled_every = max(1, self.steps_per_round // GRADIENT_SAMPLES)
        running_loss = torch.zeros((), device=self.device)
        norms: list[Tensor] = []
        first_layer = [weight for weight in weights if weight.ndim > 1][:1]
        first_norms: list[Tensor] = []
        model.train()
        for step in range(self.steps_per_round):
            factor = task.learning_rate_factor(parameters, self.steps_done, total_steps, num_train)
            for group in optimizer.param_groups:
                group["lr"] = parameters.learning_rate * factor
            batch = task.augment(self.train_rows[self._order.next()], parameters)
            for weight in weights:
                weight.grad = None  # optimizer.zero_grad does no more, in an eighth of a small net's step
            running_loss += self._take_gradient(batch)
            is_sampled = step % sampled_every == 0
            if is_sampled:
                first_norms += [w.grad.norm() for w in first_layer if w.grad is not None]
            if clip is not None:
                norms.append(nn.utils.clip_grad_norm_(weights, clip))
            elif is_sampled:
                norms.append(nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None]))
            optimizer.step()
            self.steps_done += 1
        return Trained(
            running_loss.item() / self.steps_per_round,
            _root_mean_square(norms),
            _root_mean_square(first_norms) if first_norms else None,
        )

    def _take_gradient(self, batch: Rows) -> Tensor:
        """Put the gradient of the batch's mean loss into the weights; returns that loss."""
        outputs = self.task.forward(self.model, batch)
        losses = self.task.losses(outputs, batch.targets, self.parameters)
        # The gradient of the mean, which then need not be in the graph.
        torch.autograd.backward(losses, losses.new_full(losses.shape, 1 / len(losses)))
        return losses.detach().mean()

    def _look(self, trained: Trained, started: float, ended: float) -> Round:
        with UnitActivity(self.model) as activity:
            train = evaluate(self.task, self.model, self.train_sample, self.parameters)
        valid = evaluate(self.task, self.model, self.valid_rows, self.parameters)
        batch_statistics = evaluate_with_batch_statistics(
            self.task, self.model, self.valid_rows, self.parameters
        )
        return Round(
            index=self.rounds_done,
            train_loss=train.loss,
            train_score=train.score,
            valid_loss=valid.loss,
            valid_score=valid.score,
            running_loss=trained.running_loss,
            valid_score_batch_statistics=batch_statistics,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            gradient_norm=trained.gradient_norm,
            first_layer_gradient_norm=trained.first_layer_gradient_norm,
            dead_share=activity.dead_share(),
            saturated_share=activity.saturated_share(),
            cost=Cost(
                seconds=time.perf_counter() - started,
                train_rows_per_second=self.steps_per_round * self.batch_size / (ended - started),
                peak_memory_bytes=peak_memory_bytes(self.device),
            ),
        )


def start_run(
    task: Task, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
) -> TrainingRun:
    """A training run at its beginning: the task's own where it has one, else the shared loop's."""
    own = task.start(parameters, splits, rounds=rounds, seed=seed, device=device)
    if own is not None:
        return own
    return Run(task, parameters, splits, rounds=rounds, seed=seed, device=device)


def train(run: TrainingRun) -> Iterator[Round]:
    """The rounds of `run` that are still to come."""
    while run.rounds_done < run.rounds:
        yield run.advance()


def _root_mean_square(norms: Sequence[Tensor]) -> float:
    return torch.stack(list(norms)).double().square().mean().sqrt().item()


class _Order:
    """Batches of row indices: a fresh permutation each pass, a ragged rest left out of it."""

    def __init__(self, num_rows: int, batch_size: int, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._device = device
        self._draw()

    def _draw(self) -> None:
        self._before = self._generator.get_state()
        self._permutation = torch.randperm(self._num_rows, generator=self._generator).to(self._device)
        self._position = 0

    def next(self) -> Tensor:
        if self._position + self._batch_size > self._num_rows:
            self._draw()
        start, self._position = self._position, self._position + self._batch_size
        return self._permutation[start : self._position]

    def state_dict(self) -> dict[str, Any]:
        return {"before": self._before, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["before"])
        self._draw()
        self._position = state["position"]


def _sample(splits: Splits, seed: int) -> Tensor:
    """Indices of the training rows that are evaluated each round: as many as there are to validate on."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "train sample"))
    return torch.randperm(len(splits.train), generator=generator)[: len(splits.valid)].sort().values


@contextlib.contextmanager
def _denormals_as_zero() -> Iterator[None]:
    """Within, numbers too small for full precision count as zero.

    Adam's moments of weights without a gradient decay to such numbers and stay there; where units die, arithmetic
    on them takes up to half of a step. The switch is the calling thread's, so it is left alone where there are
    more: whether these have it depends on when they began.
    """
    is_alone = torch.get_num_threads() == 1
    if is_alone:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if is_alone:
            torch.set_flush_denormal(False)


def _random_state(device: torch.device) -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that was held: on a GPU by tensors, since its statistics were reset; else by this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
