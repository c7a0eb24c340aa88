"""Checks of the training as a whole: repeated, with another seed, with a pause; and of the time that a step takes."""

from __future__ import annotations

import itertools
import statistics
import time

import torch

from objectives import Round
from objectives.checkpoints.training_state import pack_checkpoint, unpack_checkpoint
from objectives.training.loop import Run
from sweeps.guidance.bench import Bench, same_rounds
from sweeps.guidance.check import Check, failed, passed

TIMED_STEPS = 10
PARTS = ("data", "forward", "backward", "optimizer")


def repeatable(bench: Bench) -> Check:
    """Checks that two trainings of two rounds from the same seed are equal bit for bit."""
    differs = same_rounds(_rounds(bench.run()), _rounds(bench.run()))
    if differs is not None:
        return failed("repeatable", f"Two trainings with the same seed differ, first in {differs}.")
    return passed("repeatable", "Two trainings with the same seed are equal bit for bit.")


def seed(bench: Bench) -> Check:
    """Checks that another seed gives other weights and other figures."""
    if same_rounds(_rounds(bench.run()), _rounds(bench.run(seed=bench.seed + 1))) is None:
        return failed(
            "seed", "Trainings with different seeds give the same figures, so the seed is not used."
        )
    one, other = (bench.run(seed=bench.seed + at).model.state_dict() for at in (0, 1))
    drawn = [name for name, value in one.items() if value.is_floating_point() and value.ndim > 1]
    if drawn and all(bool((one[name] == other[name]).all()) for name in drawn):
        return failed("seed", "Models that are built with different seeds have the same weights.")
    return passed("seed", "Another seed gives other weights and other figures.")


def resumable(bench: Bench) -> Check:
    """Checks that two rounds with a pause between them equal two rounds without one, bit for bit."""
    whole = _rounds(bench.run())
    first = bench.run()
    begun = [first.advance()]
    state = unpack_checkpoint(pack_checkpoint(first.state_dict()))
    again = bench.run()
    again.load_state_dict(state)
    differs = same_rounds(whole, [*begun, again.advance()])
    if differs is not None:
        return failed("resumable", f"A training with a pause differs from one without, first in {differs}.")
    return passed("resumable", "A training with a pause equals one without, bit for bit.")


def step_time(bench: Bench) -> Check:
    """Measures which share of a step's time its parts take, as medians over TIMED_STEPS steps. It always passes."""
    run = bench.run()
    run.train_round()
    run.model.train()
    run._feed.begin_round(TIMED_STEPS)
    with run._noise.drawn_from():
        times = [_timed_step(bench, run) for _ in range(TIMED_STEPS)]
    medians = [statistics.median(each) for each in zip(*times, strict=True)]
    total = sum(medians)
    shares = {name: value / total for name, value in zip(PARTS, medians, strict=True)}
    text = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return passed(
        "step_time",
        f"A step of {run.batch_size} rows takes {1000 * total:.3g} ms: {text}.",
        seconds=total,
        **shares,
    )


def _timed_step(bench: Bench, run: Run) -> tuple[float, float, float, float]:
    task, parameters = bench.task, run.parameters
    marks = [time.perf_counter()]
    batch = task.augment(run.train_rows[run._feed.next()], parameters)
    marks.append(_mark(run))
    losses = task.losses(task.forward(run.model, batch), batch.targets, parameters)
    marks.append(_mark(run))
    run.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(losses.mean())
    marks.append(_mark(run))
    run.optimizer.step()
    marks.append(_mark(run))
    data, forward, backward, optimizer = (b - a for a, b in itertools.pairwise(marks))
    return data, forward, backward, optimizer


def _mark(run: Run) -> float:
    """The time when the device has finished its work, in seconds."""
    if run.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _rounds(run: Run) -> list[Round]:
    return [run.advance(), run.advance()]
