"""The Trial that a training function receives: it gives parameters, and takes the reports of rounds."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import load_into, unpack
from objectives.errors import CodeError
from objectives.round import Cost, Round
from objectives.spelling import did_you_mean
from sweeps.own_code import random_state
from sweeps.own_code.figures import round_of
from sweeps.own_code.habits import (
    check_figures,
    check_named,
    check_no_number,
    no_attribute,
    no_item,
)
from sweeps.own_code.kept_state import KeptState
from sweeps.own_code.parameters import Parameters
from sweeps.trial.metric import Metric
from sweeps.trial.work import Progress


@dataclass(frozen=True)
class TrialStart:
    """Everything besides the code on which a trial depends, and which of its states are sent to the driver.

    saved: the state that an earlier start of the trial saved; None to start at the first round. keep_best: whether the
    state of each new best round is sent. keep_every: how often the state to continue from is sent, in seconds.
    kept: where the latest saved state is held for a pause.
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
    kept: KeptState = field(default_factory=KeptState)


class Trial:
    """One trial of a study, as the training function sees it.

    number: the trial's number in its study, from 0. params: its parameters by name. seed: the trial's seed, derived
    from the study's; the global generators of Python, numpy and torch are already seeded with it. num_rounds: the most
    rounds of the trial. device: "cpu" or "cuda". data_dir: the folder of the study's data on this machine.
    """

    def __init__(self, start: TrialStart, exchange: Callable[[Progress], Any]) -> None:
        self.number = start.number
        given = start.parameters
        self.params = given if isinstance(given, Parameters) else Parameters(given)
        self.seed = start.seed
        self.num_rounds = start.num_rounds
        self.device = start.device
        self.data_dir = start.data_dir
        self._start = start
        self._exchange = exchange
        self._rounds_done = 0
        self._best = math.nan
        self._reported: Round | None = None  # a round that is not sent to the driver yet
        self._state: PackedFile | None = None  # the state that was saved in it
        self._in_loop = False
        # Without the loop over `rounds`: whether a round's state is saved before the round is reported.
        self._saves_first: bool | None = None
        self._random: dict[str, Any] | None = None
        self._is_stopped = False
        self._began_round = self._kept_at = time.monotonic()

    @property
    def rounds_done(self) -> int:
        """How many rounds are done. After `restore` has continued a trial, it starts above 0."""
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
        """Whether any round has been reported or is done."""
        return self._reported is not None or self._rounds_done > 0

    def __getattr__(self, name: str) -> NoReturn:
        no_attribute(name, [each for each in (*vars(self), *dir(Trial)) if not each.startswith("_")])

    def __getitem__(self, name: object) -> NoReturn:
        no_item(name)

    def rounds(self, *number: Any) -> Iterator[int]:
        """The rounds that are still to do, counted from 0 as by `range`. The loop ends early if the trial is halted.

        Call `report` once in each round. Raises CodeError otherwise, or if a number is given.
        """
        check_no_number(number)
        if self._in_loop:
            raise CodeError("trial.rounds() is called a second time. Use one loop for all rounds of a trial.")
        self._in_loop = True
        if self._random is not None:
            random_state.restore(self._random)
        self._began_round = time.monotonic()
        while self._rounds_done < self.num_rounds and not self._is_stopped:
            yield self._rounds_done
            if self._reported is None:
                raise CodeError(
                    f"round {self._rounds_done + 1} ended without a report. Call "
                    f"trial.report({self._start.metric.name}=…) once in each round."
                )
            self._hand_over()

    def report(self, figures: Mapping[str, Any] | None = None, /, *others: Any, **named: Any) -> bool:
        """Report the figures of a round: the metric, and any others (`valid_loss`, `train_loss`, …).

        Returns whether to stop training. In a loop over `rounds()` this is always False, because the loop ends by
        itself. If a framework has its own loop, call `save` before `report`, which completes the round. Raises
        CodeError if the metric is missing, a value is not a number, or the round was reported already.
        """
        check_figures(figures, others, self.metric)
        if self._reported is not None:
            raise CodeError(
                f"round {self._rounds_done + 1} is reported twice. Report all its figures in one call of trial.report."
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

    def save(self, *unnamed: Any, **state: Any) -> None:
        """Save the state after this round: objects with a `state_dict`, bytes, numbers, text, arrays, lists, mappings.

        The state of the best round is exported with the trial. An interrupted trial continues from its latest state,
        and exactly so if the state holds everything on which later rounds depend. (The global random generators are
        always saved.) Raises CodeError for an empty state, or one that can't be saved.
        """
        check_named("save", unnamed)
        if not state:
            raise CodeError(
                "trial.save() has nothing to save. Write trial.save(model=model, optimizer=optimizer)."
            )
        if not self._in_loop:
            self._check_order()
        if self._is_stopped or (self._reported is not None and not self._is_wanted(self._reported)):
            return
        self._state = self._start.kept.pack(state)

    def keeps(self, figures: Mapping[str, Any], *, continues: bool = True) -> bool:
        """Whether a state will be kept if it is saved now, before these figures are reported.

        It is for callbacks of frameworks, whose states may be large. Other code just calls `save`. continues: whether
        the trial can continue from such a state. If not, only the state of the best round is kept.
        """
        if self.is_over or self.metric not in figures:
            return False
        latest = round_of(self._rounds_done + 1, figures, self.metric)
        if is_wanted := self._is_wanted(latest) if continues else self._is_best(latest):
            self._start.kept.begin_packing()
        return is_wanted

    def restore_random(self) -> None:
        """Set the global random generators to their states after the round from which `restore` continued.

        It is for callbacks of frameworks, which may draw random numbers while they are set up.
        """
        if self._random is not None:
            random_state.restore(self._random)

    def restore(self, *unnamed: Any, **objects: Any) -> dict[str, Any] | None:
        """Continue from the saved state: load each object's state into it, and return all states by name.

        If the trial starts at its first round, change nothing and return None. Raises CodeError for a name that was not
        saved.
        """
        check_named("restore", unnamed)
        if self._in_loop:
            raise CodeError("trial.restore() must be called before the loop over trial.rounds().")
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
        """Complete the last round after the function has returned, if it left the loop with `break`."""
        if self._reported is not None and not self._is_stopped:
            self._hand_over()

    def _check_order(self) -> None:
        """Raises CodeError if a state is saved after a report outside the loop over `rounds`.

        There, such a state might belong to the reported round or to the next one.
        """
        if self._saves_first is None:
            self._saves_first = True
        if not self._saves_first:
            raise CodeError(
                "trial.save() is called after trial.report(). If the code does not loop over trial.rounds(), "
                "trial.report() completes the round, so call trial.save() before it."
            )

    def _is_wanted(self, latest: Round) -> bool:
        return self._is_best(latest) or self._is_due() or self._start.kept.is_cheap

    def _is_best(self, latest: Round) -> bool:
        return self._start.keep_best and self._start.metric.is_better(latest.valid_score, self._best)

    def _is_due(self) -> bool:
        return time.monotonic() - self._kept_at >= self._start.keep_every

    def _hand_over(self) -> None:
        """Send the round to the driver, with its state if it must be kept. The answer decides whether to stop."""
        latest, state = self._reported, self._state
        assert latest is not None
        self._reported = self._state = None
        random = random_state.capture()
        weights = state if state is not None and self._is_best(latest) else None
        if self._start.metric.is_better(latest.valid_score, self._best):
            self._best = latest.valid_score
        told = Progress(latest, weights)
        if state is not None and latest.index < self.num_rounds:
            self._start.kept.note(told, state, self._best, random)
            if self._is_due():
                told, self._kept_at = self._start.kept.checkpointed() or told, time.monotonic()
        self._is_stopped = not self._exchange(told)
        if not self._is_stopped:  # else another trial may already train in this process
            random_state.restore(random)  # so that sending the round does not change later rounds
        self._rounds_done, self._began_round = latest.index, time.monotonic()

    def _cost(self) -> Cost:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Cost(time.monotonic() - self._began_round, None, peak)
