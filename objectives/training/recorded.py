"""Programs that are recorded once and then replayed, so that the processor need not start each of their kernels."""

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

BLOCK = 8  # steps that are recorded together: a launch then takes far less time than what it starts
_log = logging.getLogger(__name__)

Program = Callable[[], None]
MakeSteps = Callable[[tuple[bool, ...]], None]  # of each step, whether its gradient is told


class Recording(Protocol):
    """A recorded program, which can be replayed."""

    def replay(self) -> None:
        """Do what the program did, with the same tensors."""


class Graphs(Protocol):
    """Whatever records programs: CUDA, or a stand-in. stream: where a GPU must run and record them; None elsewhere."""

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """See above."""

    def record(self, program: Program) -> Recording:
        """Record `program`, without effect on any tensor. If that can't be done, raises an exception that says why."""

    def clear(self) -> None:
        """Forget all recordings."""

    def close(self) -> None:
        """Forget all recordings, and give back what recording took."""


class Runner(Protocol):
    """Whoever runs programs."""

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """Make a round's steps. Each call of `next` on the iterator makes some of them."""

    def run(self, name: Hashable, program: Program) -> None:
        """Run `program`. All programs with the same `name` do the same work; only the values in tensors differ."""

    def forget(self) -> None:
        """Must be called when tensors that programs refer to have moved."""


class OneByOne:
    """Runs each program as it is written."""

    def __init__(self, noise: Noise, feed: Feed) -> None:
        self._noise, self._feed = noise, feed

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """All at once."""
        with self._noise.drawn_from(), denormals_as_zero():
            for step in range(num_steps):
                make((step % sampled_every == 0,))
                self._feed.steps_done += 1
        yield

    def run(self, name: Hashable, program: Program) -> None:
        """Run it."""
        program()

    def forget(self) -> None:
        """Nothing is kept."""


class Recorded:
    """Runs a program as it is written when it first comes, then records it, and replays the recording from then on.

    A recording is used only where it proves to do the same, bit for bit, from the same state, as the program itself
    did. Where it doesn't, or nothing can be recorded, `reason` says so, once in the log, too, and every program runs as
    it is written from then on: figures are the same, only slower.

    state: the tensors that programs change, at fixed addresses.
    """

    def __init__(self, graphs: Graphs, noise: Noise, feed: Feed, state: Callable[[], list[Tensor]]) -> None:
        self._graphs, self._noise, self._feed, self._state = graphs, noise, feed, state
        self._recordings: dict[Hashable, Recording] = {}
        self.reason: str | None = None

    def steps(self, num_steps: int, sampled_every: int, make: MakeSteps) -> Iterator[None]:
        """Some steps at a time, those together that are recorded together."""
        for block in blocks(num_steps, sampled_every):
            self.run(block, functools.partial(make, block))
            self._feed.steps_done += len(block)
            yield

    def run(self, name: Hashable, program: Program) -> None:
        """Run it, by its recording where there is one."""
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
        """Forget all recordings: what they refer to has moved."""
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
    """A round's steps, cut into blocks of few kinds: of each step, whether its gradient is told, as every n-th is."""
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
    _log.warning("Training goes on without recorded steps, slower and with the same figures: %s.", reason)
