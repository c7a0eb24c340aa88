"""Records programs once and then replays them, so that the CPU need not launch each of their kernels."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from objectives.training.denormals import denormals_as_zero
from objectives.training.feed import Feed
from objectives.training.noise import Noise
from objectives.training.snapshot import Snapshot

BLOCK = 8  # steps in one recording, so that launching it takes far less time than running it
_log = logging.getLogger(__name__)

Program = Callable[[], None]
MakeSteps = Callable[[tuple[bool, ...]], None]  # for each step: whether its gradient norm is computed


class Recording(Protocol):
    """A recorded program, which can be replayed."""

    def replay(self) -> None:
        """Run the recorded program again, on the same tensors."""


class Graphs(Protocol):
    """Records programs, by CUDA or by a substitute. stream: the GPU's stream to run and record them on, or None."""

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """The stream on which a GPU must run and record programs; None without a GPU."""

    def record(self, program: Program) -> Recording:
        """Record `program` without changing any tensor. Raises an exception, with the reason, if that is impossible."""

    def clear(self) -> None:
        """Forget all recordings."""

    def close(self) -> None:
        """Forget all recordings, and release the stream and memory for recording."""


class Runner(Protocol):
    """Runs programs, directly or by a recording."""

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """Make a round's steps. Each call of `next` on the iterator makes some of them."""

    def run(self, name: Hashable, program: Program) -> None:
        """Run `program`. All programs with the same `name` do the same work; only the values in tensors differ."""

    def forget(self) -> None:
        """Must be called when tensors that programs refer to have moved."""


class OneByOne:
    """Runs each program directly, without a recording."""

    def __init__(self, noise: Noise, feed: Feed) -> None:
        self._noise, self._feed = noise, feed

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """Make all steps at the first call of `next`."""
        with self._noise.drawn_from(), denormals_as_zero():
            for step in range(num_steps):
                make((step % sampled_every == 0,))
                self._feed.steps_done += 1
        yield

    def run(self, name: Hashable, program: Program) -> None:
        """Run `program`."""
        program()

    def forget(self) -> None:
        """Do nothing: there are no recordings."""


class Recorded:
    """Runs a program directly the first time, then records it, and replays the recording from then on.

    A recording is used only after a test: from the same state, it must give the same bits as the program itself. If it
    does not, or if recording is impossible, `reason` says why, one line in the log says so, and all programs run
    directly from then on. The figures are the same, but training is slower.

    state: the tensors that programs change, at fixed addresses.
    """

    def __init__(self, graphs: Graphs, noise: Noise, feed: Feed, state: Callable[[], list[Tensor]]) -> None:
        self._graphs, self._noise, self._feed, self._state = graphs, noise, feed, state
        self._recordings: dict[Hashable, Recording] = {}
        self.reason: str | None = None

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """Make the steps that are recorded together at each call of `next`."""
        for block in blocks(num_steps, sampled_every):
            self.run(block, functools.partial(make, block))
            self._feed.steps_done += len(block)
            yield

    def run(self, name: Hashable, program: Program) -> None:
        """Replay the recording of `name` if there is one, else run `program` and record it."""
        if name in self._recordings:
            with self._noise.replayed_from():
                self._recordings[name].replay()
            return
        with self._noise.drawn_from():
            if self.reason is not None:
                program()
            else:
                self._record(name, program)

    def forget(self) -> None:
        """Forget all recordings, because the tensors that they refer to have moved."""
        self._recordings.clear()
        self._graphs.clear()

    def _record(self, name: Hashable, program: Program) -> None:
        before, drawn = Snapshot(self._state, self._noise), self._noise.elsewhere()
        program()
        after = Snapshot(self._state, self._noise)
        if self._noise.elsewhere() != drawn:
            self._give_up("a step draws random numbers on the processor")
            return
        try:
            recording = self._graphs.record(program)
        except Exception as error:  # noqa: BLE001 - the program itself has just succeeded
            self._noise.renew()
            self._give_up(
                f"it can't be recorded: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            )
            return
        before.restore()
        recording.replay()
        if Snapshot(self._state, self._noise).is_same(after):
            self._recordings[name] = recording
        else:
            after.restore()
            self._give_up("a recorded step differs from the step itself")

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        self.forget()
        _say(reason)


def blocks(num_steps: int, sampled_every: int) -> Iterator[tuple[bool, ...]]:
    """Cut a round's steps into blocks, with few different blocks in all, because each is recorded once.

    A block says for each of its steps whether the gradient norm is computed, which is so in every `sampled_every`-th.
    """
    period = (True, *[False] * (sampled_every - 1))
    whole = period * (BLOCK // sampled_every)
    step = 0
    while step < num_steps:
        place = step % sampled_every
        pattern: tuple[bool, ...] = (place == 0,)
        if place == 0 and 0 < len(whole) <= num_steps - step:
            pattern = whole
        elif 0 < place <= sampled_every - BLOCK and num_steps - step >= BLOCK:
            pattern = (False,) * BLOCK
        yield pattern
        step += len(pattern)


@functools.cache
def _say(reason: str) -> None:
    _log.warning("Training continues without recorded steps, slower and with the same figures: %s.", reason)
