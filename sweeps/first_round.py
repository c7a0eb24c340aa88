"""One round of a study's first trial, trained here and kept nowhere: does the code run, and what does it report?"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import json_to_distribution

from objectives import Round
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

SHORT_SECONDS = 30.0  # a first round that takes less is followed by a second, to measure the speed


@dataclass(frozen=True)
class FirstRound:
    """What the first round told. saved_bytes: of the state that was saved in it; None if none was.

    seconds: until the round was told, with what the code does before it. seconds_a_round: of the second round, which no
    set-up slows down; None if the first took long, or was the last.
    """

    parameters: dict[str, Any]
    round: Round
    saved_bytes: int | None
    seconds: float
    seconds_a_round: float | None


def first_round(launching: Launch) -> FirstRound:
    """Train the first round of trial 0. Raises UsageError with the user's own traceback if that fails."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spec = launching.planned.spec
    proposer = proposer_of(spec)
    parameters = full_parameters(spec, proposer.propose().chosen)
    if isinstance(proposer, OpenProposer):
        proposer.begin(0)
    worker = make_worker(dataclasses.replace(work_plan(launching), keep_weights=True))
    begun, a_round = time.monotonic(), None
    assignment = Assignment(0, parameters, spec.seed_of(0), spec.rounds)
    with contextlib.closing(worker.train(assignment)) as training:
        told = _first_told(training, proposer, parameters)
        seconds = time.monotonic() - begun
        if isinstance(told, Progress) and spec.rounds > 1 and seconds < SHORT_SECONDS:
            following = training.send(True)
            a_round = time.monotonic() - begun - seconds if isinstance(following, Progress) else None
    if isinstance(told, Failure):
        where = "" if told.error_class == CodeError.__name__ else told.traceback  # our messages say it all
        raise UsageError(f"The first round failed: {told.error_class}: {told.message}\n{where}".rstrip())
    if not isinstance(told, Progress):
        raise UsageError(
            "The first trial ended without a value: the objective has pruned it before any report."
        )
    size = None if told.weights is None else len(told.weights.content)
    return FirstRound(parameters, told.round, size, seconds, a_round)


def _first_told(
    training: Generator[Event | Failure, Any, None], proposer: Proposer, parameters: dict[str, Any]
) -> Event | Failure:
    """What is told first beside questions, which are answered; answers are added to `parameters`."""
    told = next(training)
    while isinstance(told, Suggest):
        assert isinstance(proposer, OpenProposer)
        distribution = json_to_distribution(told.distribution)
        answer = proposer.suggest(0, told.name, distribution)
        parameters[told.name] = distribution.to_external_repr(answer)
        told = training.send(answer)
    return told
