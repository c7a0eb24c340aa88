"""Measures the shared training loop at doubling batch sizes: rows per second, memory, and the gradient noise scale."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from objectives.seeding import derive_seed
from objectives.training.loop import Run, make_deterministic, peak_memory_bytes
from sweeps import paths
from sweeps.errors import UsageError
from sweeps.guidance.batch_knee import Measured, has_room, knee, noise_scale, still_pays, suggested_sizes
from sweeps.guidance.bench import Bench
from sweeps.guidance.sanity import bench_of
from sweeps.settings import StudySettings
from sweeps.study.planning import plan_study
from sweeps.trial.failure import failure_of

SIZE = "batch_size"
SMALLEST = 8
TIMINGS, LEAST_SECONDS = 5, 0.05  # timings for each size, and how long the steps of a timing take at least
NOISE_ROWS, NOISE_BATCHES = 8, 64  # rows of a small batch; so many small batches are the large one
WARM_STEPS = 50  # steps before the noise scale is measured, because it grows during training


@dataclass(frozen=True)
class BatchAnswer:
    """What was measured.

    ended: why no larger batch was measured. proven: the largest size with which a round with evaluation was trained.
    noise_rows: the gradient noise scale, in rows.
    """

    measured: tuple[Measured, ...]
    ended: str
    proven: int
    noise_rows: float

    @property
    def knee(self) -> int:
        """The smallest batch with nearly the highest throughput, among the sizes up to `proven`."""
        return knee(self._usable()).batch_size

    @property
    def sizes(self) -> list[int]:
        """The batch sizes to search."""
        return suggested_sizes(self._usable(), self.noise_rows)

    def _usable(self) -> list[Measured]:
        return [each for each in self.measured if each.batch_size <= self.proven]

    def record(self) -> dict[str, Any]:
        """The record with the keys of `-f json`."""
        return {
            "measured": [dataclasses.asdict(each) for each in self.measured],
            "ended": self.ended,
            "proven": self.proven,
            "knee": self.knee,
            "noise_rows": self.noise_rows,
            "sizes": self.sizes,
        }


def probe_batches(
    settings: StudySettings,
    *,
    smallest: int | None = None,
    largest: int | None = None,
    data_dir: str | None = None,
    told: Callable[[Measured], None] = lambda measured: None,
) -> BatchAnswer:
    """Measure doubling batch sizes. Raises UsageError for sizes that do not fit the data, or a fixed batch size."""
    settings = dataclasses.replace(settings, sampler="random", stop_rule="none")
    planned = plan_study(settings, paths.data_root(data_dir))
    make_deterministic(planned.spec.threads)
    if given := [text for text in settings.overrides if text.startswith(f"{SIZE}=")]:
        raise UsageError(f"{given[0]}: several batch sizes are measured, so none can be fixed. Remove it.")
    bench = bench_of(planned)  # raises for a task with its own training loop
    rows = len(planned.splits.train)
    first, last = _bounds(smallest, largest, rows)
    measured, ended = _measure_all(bench, first, last, told)
    if not measured:
        raise UsageError(f"A batch of {first} rows does not fit into memory: {ended}. Use --smallest.")
    proven = _proven(bench, [each.batch_size for each in measured])
    return BatchAnswer(tuple(measured), ended, proven, _noise(bench))


def _bounds(smallest: int | None, largest: int | None, rows: int) -> tuple[int, int]:
    for option, size in (("--smallest", smallest), ("--largest", largest)):
        if size is not None and not 2 <= size <= rows:
            what = "larger than the data" if size > rows else "too small"
            raise UsageError(f"{option} {size} is {what}: a batch must have 2 to {rows:,} rows.")
    first, last = smallest or min(SMALLEST, rows), largest or rows
    if first > last:
        raise UsageError(f"--smallest {first} --largest {last}: the range is reversed.")
    return first, last


def _measure_all(
    bench: Bench, first: int, last: int, told: Callable[[Measured], None]
) -> tuple[list[Measured], str]:
    measured: list[Measured] = []
    limit, size = memory_bytes(bench.device), first
    while size <= last:
        try:
            latest = _measure(bench, size)
        except Exception as error:
            if failure_of(error).kind != "out_of_memory":
                raise
            return measured, f"{size} rows do not fit into memory"
        measured.append(latest)
        told(latest)
        if not has_room(latest.peak_bytes, limit):
            return measured, f"{size} rows leave too little memory free"
        if not still_pays(measured):
            return measured, "larger batches are hardly faster"
        size *= 2
    return measured, f"the next size, {size}, is above {last}"


def _measure(bench: Bench, size: int) -> Measured:
    """Measure one size: the median of TIMINGS timings of LEAST_SECONDS or more. The first steps are not counted."""
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    run = _run(bench, size)
    run.steps_per_round = 1
    seconds = [_seconds(run) for _ in range(3)][-1]
    run.steps_per_round = max(1, round(LEAST_SECONDS / max(seconds, 1e-6)))
    times = [_seconds(run) for _ in range(TIMINGS)]
    rate = run.steps_per_round * size / statistics.median(times)
    return Measured(size, rate, peak_memory_bytes(bench.device))


def _seconds(run: Run) -> float:
    """How many seconds a round takes without evaluation. Its figures are read at its end, which waits for a GPU."""
    began = time.perf_counter()
    run.train_round()
    return time.perf_counter() - began


def _proven(bench: Bench, sizes: list[int]) -> int:
    """The largest size with which a short round with evaluation fits into memory. The smallest is not tried."""
    for size in reversed(sizes[1:]):
        try:
            run = _run(bench, size)
            run.steps_per_round = 2
            run.advance()
        except Exception as error:
            if failure_of(error).kind != "out_of_memory":
                raise
        else:
            return size
    return sizes[0]


def _run(bench: Bench, size: int) -> Run:
    return Run(
        bench.task,
        bench.changed(batch_size=size),
        bench.whole,
        rounds=1000,
        seed=bench.seed,
        device=bench.device,
    )


def _noise(bench: Bench) -> float:
    """The noise scale after WARM_STEPS steps.

    The large batch consists of the small ones, whose gradients are averaged. This halves the work, and its variance is
    far smaller than with two independent batches. Rows are drawn with replacement, and the model is in evaluation mode:
    with dropout, or with the batch's own statistics, a gradient would not be a mean over independent rows.
    """
    run = bench.run(splits=bench.whole, parameters=bench.changed(dropout=0.0))
    run.steps_per_round = WARM_STEPS
    run.train_round()
    run.model.eval()
    generator = torch.Generator().manual_seed(derive_seed(bench.seed, "noise scale"))
    squares, total = [], None
    for _ in range(NOISE_BATCHES):
        rows = torch.randint(len(run.train_rows), (NOISE_ROWS,), generator=generator).to(bench.device)
        gradient = _gradient(bench, run, rows)
        squares.append(float(gradient.square().sum()))
        total = gradient if total is None else total + gradient
    assert total is not None
    mean_square = float((total / NOISE_BATCHES).square().sum())
    return noise_scale(NOISE_ROWS, statistics.fmean(squares), NOISE_ROWS * NOISE_BATCHES, mean_square)


def _gradient(bench: Bench, run: Run, rows: torch.Tensor) -> torch.Tensor:
    """The gradient of the mean loss of some training rows, as one vector in double precision."""
    run.model.zero_grad(set_to_none=True)
    with run._noise.drawn_from():
        run._step.take_gradient(bench.task.augment(run.train_rows[rows], run.parameters))
    gradients = [weight.grad for weight in run.model.parameters() if weight.grad is not None]
    return torch.cat([each.flatten() for each in gradients]).double()


def memory_bytes(device: torch.device) -> int:
    """How many bytes of memory a training may use in all: the GPU's, or what is available on this machine."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().available) + peak_memory_bytes(device)
