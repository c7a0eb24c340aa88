"""Trains the first round of a study's first trial in this process, and stores nothing (`sweep launch --try`).

It shows whether the code runs, and what it reports.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import json_to_distribution

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from objectives.errors import CodeError
from sweeps.errors import UsageError
from sweeps.launching import Launch
from sweeps.runners.make_worker import make_worker
from sweeps.samplers.open_proposer import OpenProposer, proposer_of
from sweeps.samplers.proposer import Proposer
from sweeps.study.specification import full_parameters
from sweeps.sweep import work_plan
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Assignment, Event, Progress, Suggest

AGAIN_SECONDS = 20.0  # if two rounds take less, the trial is started again, to compare its figures
SHORT_SECONDS = 30.0  # if the first round takes less, a second one is trained, to measure the speed

STARTS_AGAIN = "starts again"


@dataclass(frozen=True)
class FirstRound:
    """The result of the first round.

    saved_bytes: the size of the state that was saved in it; None if none was saved. seconds: the time until the round
    was reported, including what the code does before it. seconds_a_round: the time of the second round, without set-up;
    None if the first round took long, or was the last. failed_afterwards: what the code raised when it was told to end.
    differs: which figure differs, in words, if another trial is started and then the first one again in this process;
    empty if none does; None if this was not tried. continued: which figure of the second round differs if the trial
    continues from the state that was saved in the first; `STARTS_AGAIN` if the code does not restore that state; None
    if this was not tried. unread: the parameters that the code did not read in any of these rounds.
    """

    parameters: dict[str, Any]
    round: Round
    saved_bytes: int | None
    seconds: float
    seconds_a_round: float | None
    failed_afterwards: Failure | None = None
    differs: str | None = None
    continued: str | None = None
    unread: Sequence[str] = ()


def first_round(launching: Launch) -> FirstRound:
    """Train the first round of trial 0. Raises UsageError with the user's own traceback if that fails."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials = _Trials(launching)
    found = trials.first_of(0)
    told = found.told
    if isinstance(told, Failure):
        where = "" if told.error_class == CodeError.__name__ else told.traceback  # ours needs no traceback
        raise UsageError(f"The first round failed: {told.error_class}: {told.message}\n{where}".rstrip())
    if not isinstance(told, Progress):
        raise UsageError(
            "The first trial ended without a value, because the objective pruned it before its first report."
        )
    differs = continued = None
    if launching.planned.code is not None and found.seconds + (found.following or 0) < AGAIN_SECONDS:
        differs = _difference(trials, told)
        continued = _continued(trials, found)
    size = None if told.weights is None else len(told.weights.content)
    return FirstRound(
        found.parameters,
        told.round,
        size,
        found.seconds,
        found.following,
        found.failed_afterwards,
        differs,
        continued,
        sorted(trials.unread),
    )


def _difference(trials: _Trials, told: Progress) -> str:
    """Start another trial, and then the first one again. Returns which figure differs, in words; empty if none does."""
    if trials.has_second:
        trials.first_of(1)
    return _changed(trials, told, trials.first_of(0).told)


def _continued(trials: _Trials, found: _Begun) -> str | None:
    """Continue the first trial from the state after its first round. Returns which figure of a later round differs.

    A scheduler that is not restored first changes the round after the next. Returns STARTS_AGAIN if the code does not
    restore the state; None if nothing was saved, or no second round trained.
    """
    if found.state is None or not found.later:
        return None
    again = trials.first_of(0, found.state)
    if isinstance(again.told, Progress) and again.told.round.index == 1:
        return STARTS_AGAIN
    for told, now in zip(found.later, (again.told, *again.later), strict=False):
        if changed := _changed(trials, told, now):
            return f"in round {told.round.index}, {changed}"
    return ""


def _changed(trials: _Trials, told: Progress, again: Event | Failure) -> str:
    """Which figure differs between a round and the same round trained again, in words; empty if none does."""
    if not isinstance(again, Progress):
        return f"it failed the second time ({again.in_short})" if isinstance(again, Failure) else "it ended"
    ours, theirs = told.round.figures(), again.round.figures()
    changed = (name for name, value in ours.items() if repr(value) != repr(theirs.get(name)))
    name = next(changed, None)
    return "" if name is None else f"{trials.shown(name)} was {ours[name]!r} and is now {theirs.get(name)!r}"


@dataclass(frozen=True)
class _Begun:
    """The first round of a trial.

    told: the first event besides questions. seconds: until this event. following: the seconds of the second round; None
    if it was not trained. state: the state after the first round, from which to continue; None if none was saved.
    later: the second and the third round, as far as they were trained.
    """

    told: Event | Failure
    parameters: dict[str, Any]
    seconds: float
    following: float | None
    failed_afterwards: Failure | None
    state: PackedFile | None
    later: tuple[Progress, ...]


class _Trials:
    """Starts the first trials of a study in this process. The study is not stored."""

    def __init__(self, launching: Launch) -> None:
        self._spec = spec = launching.planned.spec
        self._proposer = proposer_of(spec)
        self._chosen = [self._proposer.propose().chosen]
        self.has_second = self._proposer.is_open()
        if self.has_second:
            self._chosen.append(self._proposer.propose().chosen)
        self.unread: set[str] = set()
        if not spec.is_open:  # an Optuna objective asks for each parameter that it uses
            self.unread.update(*(full_parameters(spec, each) for each in self._chosen))
        self._worker = make_worker(dataclasses.replace(work_plan(launching), keep_weights=True))

    def shown(self, figure: str) -> str:
        """The name of a round's figure for the user."""
        return self._spec.metric.name if figure == "valid_score" else figure

    def first_of(self, number: int, state: PackedFile | None = None) -> _Begun:
        """Train the first round of a trial, or the round after `state`; if it was short, train the next two, too."""
        spec = self._spec
        parameters = full_parameters(spec, self._chosen[number])
        if isinstance(self._proposer, OpenProposer):
            self._proposer.begin(number)
        begun, following = time.monotonic(), None
        later: list[Progress] = []
        assignment = Assignment(number, parameters, spec.seed_of(number), spec.rounds, checkpoint=state)
        with contextlib.closing(self._worker.train(assignment)) as training:
            told = _first_told(training, self._proposer, number, parameters)
            seconds, latest = time.monotonic() - begun, self._worker.latest_state()
            index = (
                told.round.index if isinstance(told, Progress) and seconds < SHORT_SECONDS else spec.rounds
            )
            while index + len(later) < spec.rounds and len(later) < 2:
                again = time.monotonic()
                then = training.send(True)
                if not isinstance(then, Progress):
                    break
                following = following or time.monotonic() - again
                later.append(then)
        self.unread &= set(self._worker.unread) | (self.unread - parameters.keys())
        afterwards, kept = self._worker.failed_afterwards, latest and latest[1].checkpoint
        return _Begun(told, parameters, seconds, following, afterwards, kept, tuple(later))


def _first_told(
    training: Generator[Event | Failure, Any, None],
    proposer: Proposer,
    number: int,
    parameters: dict[str, Any],
) -> Event | Failure:
    """The first event that is not a question. Questions are answered, and the answers are added to `parameters`."""
    told = next(training)
    while isinstance(told, Suggest):
        assert isinstance(proposer, OpenProposer)
        distribution = json_to_distribution(told.distribution)
        answer = proposer.suggest(number, told.name, distribution)
        parameters[told.name] = distribution.to_external_repr(answer)
        told = training.send(answer)
    return told
