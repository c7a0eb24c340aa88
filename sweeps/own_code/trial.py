"""What a training function is given: its parameters, and how to tell its rounds."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import load_into, pack, unpack
from objectives.errors import CodeError
from objectives.round import Cost, Round
from objectives.spelling import did_you_mean
from sweeps.own_code import random_state
from sweeps.own_code.figures import round_of
from sweeps.trial.metric import Metric
from sweeps.trial.work import Progress


class Parameters(dict[str, Any]):
    """A trial's parameters by name; a name that is not there is told with the one that comes close."""

    def __missing__(self, name: str) -> Any:
        raise KeyError(
            f"the trial has no parameter {name!r}{did_you_mean(str(name), self)} It has: {', '.join(self) or 'none'}; "
            "one whose condition does not hold is left out"
        )


@dataclass(frozen=True)
class TrialStart:
    """All that a trial is a function of beside the code, and what is to be kept of it.

    saved: what an earlier start of it saved. keep_best: whether the best round's state is told. keep_every: seconds
    from one state to continue from to the next.
    """

    number: int
    parameters: Mapping[str, Any]
    seed: int
    num_rounds: int
    metric: Metric
    device: str = "cpu"
    data_dir: Path = field(default_factory=Path.cwd)
    saved: PackedFile | None = None
    keep_best: bool = True
    keep_every: float = math.inf


class Trial:
    """One trial of a study, as the training function sees it.

    number: of the trial in its study, from 0. params: its parameters by name. seed: derived from the study's; Python's,
    numpy's and torch's global generators are seeded by it already. num_rounds: how many rounds it may take. device:
    "cpu" or "cuda". data_dir: where the study's data lie on this machine.
    """

    def __init__(self, start: TrialStart, exchange: Callable[[Progress], Any]) -> None:
        self.number = start.number
        self.params = Parameters(start.parameters)
        self.seed = start.seed
        self.num_rounds = start.num_rounds
        self.device = start.device
        self.data_dir = start.data_dir
        self._start = start
        self._exchange = exchange
        self._rounds_done = 0
        self._best = math.nan
        self._reported: Round | None = None  # a round that is not handed over yet
        self._state: PackedFile | None = None  # saved in it
        self._in_loop = False
        self._saves_first: bool | None = (
            None  # without the loop: whether a round's state is saved before it is told
        )
        self._random: dict[str, Any] | None = None
        self._is_stopped = False
        self._began_round = self._kept_at = time.monotonic()

    @property
    def rounds_done(self) -> int:
        """How many rounds are done; above 0 at the start of a trial that `restore` continued."""
        return self._rounds_done

    @property
    def metric(self) -> str:
        """The name of the figure that is optimised."""
        return self._start.metric.name

    @property
    def is_over(self) -> bool:
        """Whether the trial was halted, or has all its rounds."""
        return self._is_stopped or self._rounds_done >= self.num_rounds

    @property
    def has_reported(self) -> bool:
        """Whether a round has been reported, or is done."""
        return self._reported is not None or self._rounds_done > 0

    def rounds(self) -> Iterator[int]:
        """The rounds that are still to do, counted from 0 as by `range`; ends early where the trial is halted.

        Each must report its figures once.
        """
        if self._in_loop:
            raise CodeError(
                "trial.rounds() is called a second time; one loop goes over the rounds of a trial."
            )
        self._in_loop = True
        if self._random is not None:
            random_state.restore(self._random)
        self._began_round = time.monotonic()
        while self._rounds_done < self.num_rounds and not self._is_stopped:
            yield self._rounds_done
            if self._reported is None:
                raise CodeError(
                    f"round {self._rounds_done + 1} ended and reported nothing: call "
                    f"trial.report({self._start.metric.name}=…) once in each round."
                )
            self._hand_over()

    def report(self, figures: Mapping[str, Any] | None = None, /, **named: Any) -> bool:
        """Tell the figures of a round: the metric, and whatever else there is (`valid_loss`, `train_loss`, …).

        Returns whether to stop. In a loop over `rounds()` that is always False: the loop ends by itself. Without it,
        where a framework owns the loop, call `save` first: `report` hands the round over. Raises CodeError.
        """
        if self._reported is not None:
            raise CodeError(
                f"round {self._rounds_done + 1} is reported twice: tell all its figures in one call of trial.report."
            )
        if self.is_over:
            return True
        index, metric = self._rounds_done + 1, self._start.metric.name
        self._reported = round_of(index, {**(figures or {}), **named}, metric, self._cost())
        if self._in_loop:
            return False
        if self._saves_first is None:
            self._saves_first = False
        self._hand_over()
        return self._is_stopped

    def save(self, **state: Any) -> None:
        """Keep the state after this round: what has a `state_dict`, bytes, numbers, text, arrays, lists, mappings.

        The best round's is exported with the trial, and a trial that is cut off continues from its latest: exactly, if
        all that later rounds depend on is here (global random generators are kept anyway). Raises CodeError.
        """
        if not state:
            raise CodeError(
                "trial.save() names nothing to save: write trial.save(model=model, optimizer=optimizer)."
            )
        if not self._in_loop:
            self._check_order()
        if self._is_stopped or (self._reported is not None and not self._is_wanted(self._reported)):
            return
        self._state = pack(state)

    def keeps(self, figures: Mapping[str, Any]) -> bool:
        """Whether a state that is saved now, before these figures are reported, will be kept.

        For callbacks of frameworks, whose states may be large: others just call `save`.
        """
        if self.is_over or self.metric not in figures:
            return False
        return self._is_wanted(round_of(self._rounds_done + 1, figures, self.metric))

    def restore_random(self) -> None:
        """Put the global random generators where they were after the round that `restore` continued from.

        For callbacks of frameworks that draw random numbers while they set themselves up.
        """
        if self._random is not None:
            random_state.restore(self._random)

    def restore(self, **objects: Any) -> dict[str, Any] | None:
        """Continue from what was saved: gives each object its state, and returns all states by name.

        None, and nothing is touched, when the trial begins at its beginning. Raises CodeError for a name that was not
        saved.
        """
        if self._in_loop:
            raise CodeError("trial.restore() belongs before the loop over trial.rounds().")
        if self._start.saved is None:
            return None
        record = unpack(self._start.saved)
        state: dict[str, Any] = record["state"]
        for name, target in objects.items():
            if name not in state:
                raise CodeError(f"trial.restore({name}=…): no {name!r} was saved{did_you_mean(name, state)}")
            load_into(target, name, state[name])
        self._rounds_done, self._best, self._random = record["round"], record["best"], record["random"]
        if self._random is not None:
            random_state.restore(self._random)
        return state

    def finish(self) -> None:
        """The function has returned: hand over a round that it left by `break`."""
        if self._reported is not None and not self._is_stopped:
            self._hand_over()

    def _check_order(self) -> None:
        """Without a loop of ours nothing tells whether a state is of the round that was reported or of the next."""
        if self._saves_first is None:
            self._saves_first = True
        if not self._saves_first:
            raise CodeError(
                "trial.save() after trial.report(): where the code does not loop over trial.rounds(), report hands the "
                "round over, so that its state must be saved before."
            )

    def _is_wanted(self, latest: Round) -> bool:
        return self._is_best(latest) or self._is_due()

    def _is_best(self, latest: Round) -> bool:
        return self._start.keep_best and self._start.metric.is_better(latest.valid_score, self._best)

    def _is_due(self) -> bool:
        return time.monotonic() - self._kept_at >= self._start.keep_every

    def _hand_over(self) -> None:
        """Tell the round, with its state where that is wanted, and go on or not as is answered."""
        latest, state = self._reported, self._state
        assert latest is not None
        self._reported = self._state = None
        random = random_state.capture()
        weights = state if state is not None and self._is_best(latest) else None
        if self._start.metric.is_better(latest.valid_score, self._best):
            self._best = latest.valid_score
        checkpoint = None
        if state is not None and latest.index < self.num_rounds and self._is_due():
            kept = {"state": unpack(state), "round": latest.index, "best": self._best, "random": random}
            checkpoint, self._kept_at = pack(kept), time.monotonic()
        self._is_stopped = not self._exchange(Progress(latest, weights, checkpoint))
        random_state.restore(random)  # as if nobody had been told
        self._rounds_done, self._began_round = latest.index, time.monotonic()

    def _cost(self) -> Cost:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Cost(time.monotonic() - self._began_round, None, peak)
