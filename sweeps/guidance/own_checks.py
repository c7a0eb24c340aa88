"""Sanity checks of a user's own function. They use only what a trial reports."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from objectives.seeding import derive_seed
from search_spaces import Fixed
from sweeps.guidance.bench import same_rounds
from sweeps.guidance.check import Check, failed, not_applicable, passed
from sweeps.guidance.rate_plan import middle
from sweeps.own_code.training import OwnTraining
from sweeps.own_code.trial import TrialStart
from sweeps.study.planned import Planned
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Suggest

ROUNDS = 2


class _OwnTrials:
    """Trains trials of two rounds with the parameters in the middle of the space."""

    def __init__(self, planned: Planned, data_root: Path) -> None:
        assert planned.code is not None
        self._spec, self._root = planned.spec, data_root
        self._training = OwnTraining(planned.code, planned.spec.threads)
        self._parameters = {
            name: planned.spec.space[name].domain.meaning(value)
            for name, value in middle(planned.spec.space).items()
        }

    def train(self, seed: int, saved: PackedFile | None = None) -> tuple[list[Round], PackedFile | None, str]:
        """The rounds, the saved state to continue from (None if none was saved), and why it failed (empty if not).

        saved: the state to continue from; None to start at the first round.
        """
        start = TrialStart(
            number=0,
            parameters=self._parameters,
            seed=derive_seed(seed, "trial", 0),
            num_rounds=min(ROUNDS, self._spec.rounds) if not self._spec.is_open else ROUNDS,
            metric=self._spec.metric,
            device=self._spec.device,
            data_dir=self._root,
            saved=saved,
            keep_best=False,
            keep_every=0.0,
        )
        rounds: list[Round] = []
        state: PackedFile | None = None
        answer: float | None = None
        with contextlib.closing(self._training.events(start)) as events:
            while len(rounds) < ROUNDS:
                try:
                    told = events.send(answer)
                except StopIteration:
                    break
                answer = True
                if isinstance(told, Failure):
                    return rounds, state, told.in_short
                if isinstance(told, Progress):
                    rounds.append(told.round)
                    state = told.checkpoint or state
                elif isinstance(told, Suggest):
                    answer = self._answer(told)
        self._training.release(self._spec.device)
        return rounds, state, ""

    def _answer(self, wanted: Suggest) -> float:
        """The answer to an Optuna objective: the middle of the range it asks for, or the parameter's fixed value."""
        distribution = json_to_distribution(wanted.distribution)
        space = self._spec.space
        domain = space[wanted.name].domain if wanted.name in space else None
        if isinstance(domain, Fixed):
            return distribution.to_internal_repr(domain.value)
        return _middle_of(distribution)


def checks_of(planned: Planned, data_root: Path) -> Iterator[Check]:
    """The checks of a function or an Optuna objective."""
    trials = _OwnTrials(planned, data_root)
    first, state, why = trials.train(planned.spec.seed)
    yield _finite(first, why)
    if why or not first:
        return
    again, _, _ = trials.train(planned.spec.seed)
    yield _equal("repeatable", first, again, "Two trainings with the same seed")
    other, _, _ = trials.train(planned.spec.seed + 1)
    if _same(first, other):
        yield not_applicable(
            "seed", "Another seed gives the same figures. This is correct if nothing in the code is random."
        )
    else:
        yield passed("seed", "Another seed gives other figures.")
    yield _resumed(trials, planned.spec.seed, first, state)


def _resumed(trials: _OwnTrials, seed: int, first: list[Round], state: PackedFile | None) -> Check:
    if len(first) < ROUNDS:
        return not_applicable("resumable", "A trial has one round only.")
    if state is None:
        return not_applicable(
            "resumable", "The code calls no trial.save(), so a trial starts again after a crash or a pause."
        )
    rest, _, why = trials.train(seed, saved=state)
    if why:
        return failed("resumable", f"The trial does not continue from what it saved: {why}.")
    return _equal("resumable", first[1:], rest, "A training with a pause and one without")


def _finite(rounds: list[Round], why: str) -> Check:
    if why:
        return failed("finite", f"The training fails: {why}.")
    if not rounds:
        return failed("finite", "The training reports nothing.")
    for each in rounds:
        for name, value in each.figures().items():
            if value is not None and not math.isfinite(value):
                return failed("finite", f"{name} of round {each.index} is {value}.")
    return passed("finite", f"All figures of {len(rounds)} rounds are finite.")


def _equal(name: str, one: list[Round], other: list[Round], what: str) -> Check:
    if len(one) != len(other):
        return failed(name, f"{what} have {len(one)} and {len(other)} rounds.")
    differs = same_rounds(one, other)
    if differs is not None:
        return failed(name, f"{what} differ, first in {differs}.")
    return passed(name, f"{what} are equal bit for bit.")


def _same(one: list[Round], other: list[Round]) -> bool:
    return len(one) == len(other) and same_rounds(one, other) is None


def _middle_of(distribution: BaseDistribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return 0.0
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = distribution.low, distribution.high
    value: Any = math.sqrt(low * high) if distribution.log else (low + high) / 2
    if distribution.step is not None and not distribution.log:
        value = low + distribution.step * ((value - low) // distribution.step)
    if isinstance(distribution, IntDistribution):
        value = round(value)
    return distribution.to_internal_repr(value)
