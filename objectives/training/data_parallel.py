"""One training run on several devices: each takes its share of every batch, and all make the same step.

Gradients are averaged before each step. So n devices get the weights that one device gets, up to float tolerance:
`batch_size` is that of the global batch, and a schedule counts global batches. Every rank draws and augments the whole
batch from the same random numbers, then takes its share, so the images are the same, too. Two things differ:

- Each rank draws its own dropout masks. So the results equal those of one device only without dropout.
- Batch norm uses the mean and variance of a rank's share. The running statistics of rank 0 are kept.

On the CPU, ranks communicate by gloo; on CUDA, each rank has its own GPU, and they communicate by nccl.
"""

from __future__ import annotations

import copy
import io
import pickle
import sys
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from objectives.as_script import MODULE_PREFIX
from objectives.errors import ParametersError
from objectives.registry import get_task
from objectives.round import Round
from objectives.rows.rows import Rows, Splits
from objectives.seeding import derive_seed
from objectives.task import Task
from objectives.training.evaluation import BATCH_NORMS
from objectives.training.loop import Run, make_deterministic
from objectives.training.ranks import Ranks
from objectives.training.step import Step


class DataParallelRun:
    """A training run on `devices` processes, the ranks. This process only sends them requests and keeps the last model.

    The rows are moved into shared memory, which every rank can read. Each rank has as many threads as this process has
    now. The code that starts a run must close it. A run that is deleted is closed, too, and ranks end with this
    process.

    Raises ParametersError if there are too few devices, or too few rows for each device. Raises RankError if a rank
    fails or dies.
    """

    def __init__(
        self,
        task: Task,
        parameters: Any,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device,
        devices: int,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "weights"))
            self.model: nn.Module = task.build(parameters, task.prepare(splits.train[:2], parameters))
        self.rounds = rounds
        self.rounds_done = 0
        _check(self.model, min(parameters.batch_size, len(splits.train)), device, devices)
        for rows in (splits.train, splits.valid):
            for tensor in (rows.inputs, rows.targets):
                tensor.share_memory_()  # type: ignore[no-untyped-call]
        order = _Order(
            *_pickled(task, parameters), splits, rounds, seed, device.type, torch.get_num_threads()
        )
        self._ranks = Ranks(devices, "nccl" if device.type == "cuda" else "gloo", _Rank, order)

    def advance(self) -> Round:
        """Train one round on all ranks and evaluate on rank 0."""
        (latest, weights), *_ = self._ranks.ask("advance")
        self.model.load_state_dict(_unpacked(weights))
        self.rounds_done = latest.index
        round_: Round = latest
        return round_

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next round depends on: the same as of a run on one device."""
        return _unpacked(self._ranks.ask("state")[0])

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self._ranks.ask("load", _packed(state))
        self.model.load_state_dict(state["model"])
        self.rounds_done = state["rounds_done"]

    def close(self) -> None:
        """End the ranks. The model is kept."""
        self._ranks.end()


@dataclass(frozen=True)
class _Order:
    """What a rank has to train. source: `path.py:Class` if the task is in a user's own file, to be loaded first."""

    source: str | None
    task_and_parameters: bytes
    splits: Splits
    rounds: int
    seed: int
    device: str
    threads: int


class _Rank:
    """The part of the training that one rank does. Only rank 0 returns results."""

    def __init__(self, rank: int, num: int, order: _Order) -> None:
        make_deterministic(order.threads)
        if order.source is not None:
            get_task(order.source)
        task, parameters = pickle.loads(order.task_and_parameters)
        device = torch.device(order.device, rank) if order.device == "cuda" else torch.device(order.device)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        self._answers = rank == 0
        self._run = _RankRun(
            task,
            parameters,
            order.splits,
            rounds=order.rounds,
            seed=order.seed,
            device=device,
            rank=rank,
            num=num,
        )

    def advance(self) -> tuple[Round, bytes] | None:
        if not self._answers:
            self._run.train_round()
            return None
        latest = self._run.advance()
        return latest, _packed(self._run.model.state_dict())

    def state(self) -> bytes | None:
        return _packed(self._run.state_dict()) if self._answers else None

    def load(self, state: bytes) -> None:
        self._run.load_state_dict(_unpacked(state))


class _RankRun(Run):
    """The shared loop, on a rank's share of each batch."""

    def __init__(
        self,
        task: Task,
        parameters: Any,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device,
        rank: int,
        num: int,
    ) -> None:
        self._seed = seed
        self._rank = rank
        self._num = num
        super().__init__(task, parameters, splits, rounds=rounds, seed=seed, device=device)
        self._settle_buckets()

    def _make_step(self) -> Step:
        usual = super()._make_step()
        return _ShareStep(usual, self.train_rows, self._seed, self._rank, self._num)

    def _settle_buckets(self) -> None:
        """Make one backward pass and undo its effects, so that torch fixes the order in which it adds gradients.

        torch chooses this order after the first backward pass. Without this, the first step of a continued run would
        have another order than the same step of an uninterrupted run, and so would round differently.
        """
        state = copy.deepcopy(self.model.state_dict())
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            self._step.take_gradient(self.task.augment(self.train_rows[: self.batch_size], self.parameters))
        self.model.load_state_dict(state)
        self.optimizer.zero_grad(set_to_none=True)

    def _tallied(self) -> Tensor:
        values = super()._tallied()
        loss = values[:1].clone()
        torch.distributed.all_reduce(loss)
        values[:1] = loss / self._num
        return values


class _ShareStep(Step):
    """A step on a rank's share of the batch."""

    def __init__(self, usual: Step, rows: Rows, seed: int, rank: int, num: int) -> None:
        super().__init__(
            usual.task, usual.model, usual.optimizer, usual.parameters, rows, usual.feed, usual.tally
        )
        self._seed, self._rank, self._num = seed, rank, num
        self._parallel = DistributedDataParallel(_Forward(usual.task, usual.model))

    def take_gradient(self, batch: Rows) -> Tensor:
        """Put the gradient of the whole batch's mean loss into the weights. Returns this rank's scaled loss.

        The loss is the sum over this rank's rows, times the number of ranks, divided by the rows of the batch. So the
        average over ranks is the mean over all rows, even if the shares differ in size.
        """
        share = batch[self._share(len(batch))]
        with torch.random.fork_rng(devices=_generators_of(share)):
            torch.manual_seed(derive_seed(self._seed, "dropout", self._rank, self.feed.steps_done))
            outputs = self._parallel(share)
        losses = self.task.losses(outputs, share.targets, self.parameters)
        loss = losses.sum() * (self._num / len(batch))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _share(self, num_rows: int) -> slice:
        return slice(num_rows * self._rank // self._num, num_rows * (self._rank + 1) // self._num)


def _generators_of(rows: Rows) -> list[torch.device]:
    """The devices besides the CPU from whose generators a forward pass over `rows` draws random numbers."""
    return [rows.inputs.device] if rows.inputs.is_cuda else []


class _Forward(nn.Module):
    """A module whose forward pass is that of the task, as DistributedDataParallel needs it."""

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self._task = task
        self.model = model

    def forward(self, batch: Rows) -> Tensor:
        return self._task.forward(self.model, batch)


def _check(model: nn.Module, batch_size: int, device: torch.device, devices: int) -> None:
    if device.type == "cuda" and torch.cuda.device_count() < devices:
        raise ParametersError(
            f"devices: the trial needs {devices} GPUs, but this worker has {torch.cuda.device_count()}: "
            f"give each trial {devices} GPUs."
        )
    least = 2 if any(isinstance(module, BATCH_NORMS) for module in model.modules()) else 1
    if batch_size // devices < least:
        raise ParametersError(
            f"batch_size: {batch_size} rows on {devices} devices are fewer than {least} for each"
            f"{', which batch norm needs' if least > 1 else ''}. Use a larger batch, or fewer devices."
        )


def _pickled(task: Task, parameters: Any) -> tuple[str | None, bytes]:
    """A task and its parameters as bytes, and `path.py:Class` if the task is in a user's own file, else None."""
    module = type(task).__module__
    source = None
    if module.startswith(MODULE_PREFIX):
        source = f"{sys.modules[module].__file__}:{type(task).__qualname__}"
    return source, pickle.dumps((task, parameters))


def _packed(state: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def _unpacked(content: bytes) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state
